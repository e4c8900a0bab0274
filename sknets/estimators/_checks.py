"""Checks of X and y that architectures share."""

from sklearn.utils import check_array, check_X_y

#: What stands for y where there is none; None is a y that a user forgot.
NO_Y = object()


def check_rows(estimator, X, y, **options):
    """Return X and y as scikit-learn's `check_array` or, where there is a y, `check_X_y` does."""
    if y is NO_Y:
        return check_array(X, input_name="X", estimator=estimator, **options), y
    return check_X_y(X, y, multi_output=True, estimator=estimator, **options)


def without_zeros(X, y, sample_weight):
    """Remove the rows whose weight is zero."""
    if sample_weight is None or (sample_weight > 0).all():
        return X, y, sample_weight
    kept = sample_weight > 0
    if not kept.any():
        raise ValueError("class_weight gives every row a weight of zero; no row is left to fit.")
    return X[kept], y[kept], sample_weight[kept]
