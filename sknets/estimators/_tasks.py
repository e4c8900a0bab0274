"""What both tasks share: `fit`, whether a fit can go on, and how good predictions are."""

from sknets import training
from sknets.estimators._calibration import fit_calibrated
from sknets.estimators._data import as_shares
from sknets.estimators._methods import without_class
from sknets.estimators._sklearn import fit_context
from sknets.estimators._watched import watched
from sknets.inputs import compare_names_of_y


def is_incremental(estimator):
    """Whether `solver` can learn part by part; raise AttributeError if not, as scikit-learn does."""
    # what is no solver is for the validation of parameters to refuse
    known = [kind for name, kind in training.SOLVERS.items() if name == estimator.solver]
    if known and not known[0].is_incremental:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


def score_of(estimator, X, y, sample_weight):
    """Return how good predictions are: accuracy, R² or what the target says."""
    predictions, weight = estimator.predict(X), as_shares(sample_weight)
    learned = estimator._learned
    compare_names_of_y(learned.target.task.names(y), learned.y_names)
    return learned.target.score(predictions, y, weight, lambda: estimator._read(X))


@without_class
class SupervisedTask:
    """What learns a y: base of both tasks."""

    @fit_context
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Training data: a table, or what else the network takes. MLPs and CNNs read rows in pieces:
            `sknets.datasets.RowsInPieces`, large memory maps, data sets of pyarrow, a `DataLoader`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target: class labels or label indicators in classification, numbers in regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A weight of 0 is removal, a weight of 2 is repetition. Weights whose
            mean is below 1e-9 or above 1e9 count no rows: they are divided by it.
        X_val : {array-like, sparse matrix} of shape (n_val_samples, ...), default=None
            Validation data of your own. With `early_stopping` they decide when to stop and
            nothing is set aside; without it they are recorded in `history_`. With `calibrate` they
            calibrate.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), default=None
            Target of the validation data.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data or parameters are invalid, or if training diverges. The estimator is
            then as it was before the call.
        """
        validation = (X_val, y_val, sample_weight_val)
        with watched(self):
            if self.calibrate:
                return fit_calibrated(self, X, y, sample_weight, validation)
            return self._fit(X, y, sample_weight, validation)
