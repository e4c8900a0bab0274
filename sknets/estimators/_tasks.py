"""What both tasks ask: whether a fit can go on, and how good predictions are."""

from sknets import training
from sknets.estimators._data import as_shares
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
