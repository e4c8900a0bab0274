"""Tables as the numbers that dense networks learn from."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sknets._version import Versioned
from sknets.estimators._sklearn import check_feature_names_in
from sknets.tables._columns import learn_columns, read_table

#: Deviations of a standard normal distribution between its quartiles.
_QUARTILES = 1.349

#: Deviations beyond which numbers are drawn in: x / √(1 + (x / 10)²) never reaches 10. With 3, numbers
#: that are as they should be, such as the carats of large diamonds, lose what they say.
_REACH = 10.0


class TableEncoder(Versioned, TransformerMixin, BaseEstimator):
    """Numbers, categories and missing values as numbers of similar size.

    A column of numbers is centred at its median and scaled by its quartiles; values far out are drawn in
    smoothly, so that none is beyond 10, in the way of [1]_. A missing value becomes the median, and a
    further column says where it was. A column of categories becomes a column for each of them, of zeros
    and ones; those that are rare, and those that were not there at the fit, share one, and those that are
    missing another. Columns without any difference are left out.

    Parameters
    ----------
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories: those of words (strings, objects, categories), or by name,
        position or mask. None: there are none.
    min_frequency : int, default=5
        Rows that a category needs for a column of its own; a twentieth of the rows is always enough.
    max_categories : int, default=64
        Largest number of such columns for one column of X: the most frequent ones.

    Attributes
    ----------
    n_outputs_ : int
        Number of columns that it makes.
    n_numbers_ : int
        How many of them are columns of numbers with more than two values.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they had any.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024). Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data. NeurIPS.
    """

    def __init__(self, categorical_features="from_dtype", *, min_frequency=5, max_categories=64):
        self.categorical_features = categorical_features
        self.min_frequency = min_frequency
        self.max_categories = max_categories

    def fit(self, X, y=None):
        """Learn columns, centres, scales and categories.

        Parameters
        ----------
        X : frame or array of shape (n_rows, n_columns)
            The table.
        y : None
            Not used.

        Returns
        -------
        self : TableEncoder
        """
        self._columns = learn_columns(self, X, self.categorical_features)
        table = read_table(self, X, self._columns)
        self._learn_numbers(table.numbers)
        most = max(1, min(self.min_frequency, len(table) // 20))
        self._places = [self._learn_categories(values, most) for values in table.categories]
        self.n_numbers_ = sum(
            len(np.unique(column[~np.isnan(column)])) > 2 for column in table.numbers.T
        )
        self.n_outputs_ = max(1, self._encode(table).shape[1])
        return self

    def transform(self, X):
        """Return the numbers of a table.

        Parameters
        ----------
        X : frame or array of shape (n_rows, n_columns)
            The table, with the columns of the fit.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs_)
        """
        check_is_fitted(self)
        encoded = self._encode(read_table(self, X, self._columns))
        return encoded if encoded.shape[1] else np.zeros((len(encoded), 1))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that it makes, such as "city_Bonn", "city_missing".

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, where they had none at the fit.

        Returns
        -------
        ndarray of str, shape (n_outputs_,)
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        is_category = np.array([column.is_category for column in self._columns])
        numbers, categories = names[~is_category], names[is_category]
        found = [
            *numbers[self._differs],
            *(f"{name}_missing" for name in numbers[self._has_missing]),
        ]
        for name, (places, has_missing, has_rare) in zip(categories, self._places, strict=True):
            if len(places) + has_missing + has_rare > 1:
                found += [f"{name}_rare"] * has_rare + [f"{name}_missing"] * has_missing
                found += [f"{name}_{category}" for category in places]
        return np.array(found or ["constant"], dtype=object)

    def _learn_numbers(self, numbers):
        is_missing = np.isnan(numbers)
        self._has_missing = is_missing.any(axis=0) & ~is_missing.all(axis=0)
        # quarters, since sums and differences of numbers near the largest would overflow
        quarters = np.where(is_missing.all(axis=0), 0.0, numbers / 4)
        centre = np.nanmedian(quarters, axis=0)
        quarters = np.where(is_missing, centre, quarters)
        low, lower, upper, high = np.quantile(quarters, [0, 0.25, 0.75, 1], axis=0)
        spread = (upper - lower) / _QUARTILES
        # where most values are equal, a quarter of the range, which a few others span
        self._scale = np.where(spread > 0, spread, (high - low) / 4)
        self._centre, self._differs = centre, self._scale > 0

    def _learn_categories(self, values, least):
        """Return the column of each category; 0 is for those that are rare, new or missing."""
        present = [value for value in values.tolist() if value is not None]
        names, counts = [], {}
        for value in present:
            counts[value] = counts.get(value, 0) + 1
        names = sorted(counts, key=lambda name: (-counts[name], str(name)))
        kept = [name for name in names if counts[name] >= least][: self.max_categories]
        places = {name: number + 2 for number, name in enumerate(kept)}
        return places, len(present) < len(values), len(kept) < len(names)

    def _encode(self, table):
        numbers = table.numbers
        is_missing = np.isnan(numbers)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            scaled = np.where(is_missing, 0.0, (numbers / 4 - self._centre) / self._scale)
            drawn_in = scaled / np.sqrt(1.0 + np.square(scaled / _REACH))
        # so far out that the square overflows
        scaled = np.where(np.abs(scaled) > 1e100, np.sign(scaled) * _REACH, drawn_in)
        parts = [scaled[:, self._differs], is_missing[:, self._has_missing].astype(float)]
        for values, (places, has_missing, has_rare) in zip(
            table.categories, self._places, strict=True
        ):
            number = [1 if value is None else places.get(value, 0) for value in values.tolist()]
            columns = np.zeros((len(values), len(places) + 2))
            columns[np.arange(len(values)), number] = 1.0
            if len(places) + has_missing + has_rare < 2:
                continue  # all are the same
            parts.append(
                columns[:, [*[0] * has_rare, *[1] * has_missing, *range(2, len(places) + 2)]]
            )
        return np.concatenate(parts, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = True
        return tags
