"""Classes and labels: the targets of classifiers."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from sknets import modules, training
from sknets._plain import kept
from sknets.targets._metrics import Accuracy
from sknets.targets._target import RowTarget, RowTask


@kept
@dataclass(frozen=True)
class Classification(RowTask):
    """The task of classifiers.

    Parameters
    ----------
    class_weight : dict, list of dict, "balanced" or None
        Weights of the classes.
    label_smoothing : float
        Share of each target that is spread over all classes.
    loss : "log_loss" or callable
        The cross-entropy, or a loss of the user's own.
    """

    class_weight: dict | list | str | None
    label_smoothing: float
    loss: str | Callable = "log_loss"

    @property
    def given(self):
        """What must not change where a fit goes on, by name."""
        return {"output": self.outputs.kind}

    def make_loss(self, cross_entropy):
        """Make the loss: a cross-entropy, unless the user has one.

        Raises
        ------
        ValueError
            If labels are to be smoothed for a loss that does not know of it.
        """
        if not callable(self.loss):
            return cross_entropy(label_smoothing=self.label_smoothing)
        if self.label_smoothing:
            raise ValueError(
                f"label_smoothing={self.label_smoothing} is for loss='log_loss'; a function smoothes "
                "targets by itself."
            )
        return training.CallableLoss(self.loss)

    def learn(self, y, sample_weight, classes):
        """Return the target of a first y.

        Parameters
        ----------
        y : ndarray of shape (n,), or indicators of shape (n, n_labels), dense or sparse
            Labels.
        sample_weight : ndarray of shape (n,) or None
            Weights of the rows.
        classes : array-like or None
            All classes that any call will see; None takes those in y.

        Raises
        ------
        ValueError
            If y holds no labels, or labels of several outputs.
        """
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y has several columns with more than two values (multiclass-multioutput), which is "
                "not supported. Wrap the classifier in sklearn.multioutput.MultiOutputClassifier."
            )
        if kind == "multilabel-indicator":
            target = LabelTarget(self, y.shape[1], is_sparse=sp.issparse(y))
        else:
            target = ClassTarget(self, np.unique(y if classes is None else classes))
        target.check(y)
        return target


class _LabelledTarget(RowTarget):
    """What classes and labels share: probabilities, and the accuracy of what they lead to.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Classes, or numbers of labels.
    """

    @property
    def n_classes(self):
        """Number of classes or labels."""
        return len(self.classes)

    def metric_of(self, y, sample_weight):
        is_vector = isinstance(y, np.ndarray) and y.ndim == 1 and y.size
        return Accuracy(y, sample_weight, is_known=is_vector and self._has_all(y))

    def probabilities(self, raw):
        """Return the probabilities of a `Raw`, as `predict_proba` does."""
        return self._of_classes(raw.values, self.output).numpy().astype(raw.dtype, copy=False)

    def log_probabilities(self, raw):
        """Return their logarithms, finite where a probability is too small for a float."""
        probabilities = self._of_classes(raw.values, self.output)
        logs = torch.where(
            probabilities > torch.finfo(probabilities.dtype).tiny,
            probabilities.log(),
            self._of_classes(raw.values, self.output.log_probabilities),
        )
        return logs.numpy().astype(raw.dtype, copy=False)

    @contextmanager
    def _named_weights(self):
        """Name `class_weight` in the errors of scikit-learn and NumPy about it."""
        try:
            yield
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"class_weight={self.task.class_weight!r} must be 'balanced', or hold a number for each "
                f"class: {error}"
            ) from error

    def _checked(self, weight):
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise ValueError(
                f"class_weight={self.task.class_weight!r} must hold finite numbers that are not "
                "negative."
            )
        return weight


@kept
class ClassTarget(_LabelledTarget):
    """One class per row: a softmax over the classes, or one logistic unit for two of them.

    Parameters
    ----------
    task : Classification
        The options.
    classes : ndarray of shape (n_classes,)
        All classes, in order.
    has_end : bool, default=False
        Whether there is one class more, which ends a sequence that is written.

    Attributes
    ----------
    class_weights : ndarray of shape (n_classes,) or None
        Weights of the classes in this fit.
    """

    class_weights = None

    def __init__(self, task, classes, *, has_end=False):
        super().__init__(task)
        self.classes = classes
        self.has_end = has_end
        n_outputs = len(classes) + has_end
        self.n_outputs = n_outputs if n_outputs > 2 or has_end else 1

    def with_end(self):
        """Return the same target with one class more, which ends a sequence."""
        return ClassTarget(self.task, self.classes, has_end=True)

    @property
    def is_softmax(self):
        """Whether each class has a raw output of its own."""
        return self.n_outputs > 1

    @property
    def excludes(self):
        """Whether a module may exclude a class: the softmax of -inf is 0."""
        return self.is_softmax

    def _make_output(self):
        return modules.SoftmaxOutput() if self.is_softmax else modules.LogisticOutput()

    def make_loss(self):
        return self.task.make_loss(
            training.SoftmaxCrossEntropy if self.is_softmax else training.BinaryCrossEntropy
        )

    def check_classes(self, classes):
        """Raise ValueError if the classes that a user announces are others than before."""
        if not np.array_equal(np.unique(classes), self.classes):
            raise ValueError(
                f"`classes={classes}` is not the same as on last call to partial_fit, was: "
                f"{self.classes}"
            )

    def check(self, y, *, as_before=False, is_validation=False):
        if y.ndim != 1:
            raise ValueError(f"y must have one class per row, as in fit; it has shape {y.shape}.")
        if not as_before and self._has_all(y):
            return
        labels = unique_labels(y)
        if as_before and set(labels) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {labels}"
            )
        unknown = np.setdiff1d(labels, self.classes)
        if len(unknown):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes}, `y` has {unknown} beside them."
            )

    def _has_all(self, y):
        """Whether one look tells that all labels are classes, and plain whole numbers or strings.

        Where classes are many for so few rows, scikit-learn may warn.
        """
        if y.dtype.kind not in "biuU" or y.dtype.kind != self.classes.dtype.kind:
            return False
        if 4 * len(self.classes) > len(y):
            return False
        nearest = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        return bool((self.classes[nearest] == y).all())

    def encode(self, y):
        codes = np.searchsorted(self.classes, y)
        return codes if self.is_softmax else codes[:, None].astype(np.float64)

    def strata(self, y):
        return self.encode(y).astype(int if self.is_softmax else bool)

    def _learn_further(self, y, sample_weight):
        self.class_weights = None
        if self.task.class_weight is None:
            return
        if isinstance(self.task.class_weight, list):
            raise ValueError(
                "class_weight as a list is for a multilabel y; give a dict of classes."
            )
        with self._named_weights():
            self.class_weights = compute_class_weight(
                self.task.class_weight, classes=self.classes, y=y
            )
        if sample_weight is not None and self.task.class_weight == "balanced":
            # as scikit-learn's later releases have it: rows count by their weights
            counts = np.bincount(np.searchsorted(self.classes, y), weights=sample_weight)
            self.class_weights = counts.sum() / (len(counts) * counts)
        self._checked(self.class_weights)

    def weigh(self, y, sample_weight):
        if self.task.class_weight is None:
            return sample_weight
        weight = self.class_weights[np.searchsorted(self.classes, y)]
        return weight if sample_weight is None else weight * sample_weight

    def step_weights(self):
        if self.class_weights is None:
            return None
        if self.has_end:
            return np.append(self.class_weights, 1.0)
        largest = self.class_weights.max()
        is_usual = largest == 0 or 1e-9 < largest < 1e9
        return self.class_weights / (1.0 if is_usual else largest)  # only relative

    def predictions(self, raw):
        return self.classes[self.probabilities(raw).argmax(axis=1)]

    def _of_classes(self, raw, output):
        """Return what an output makes of both classes where they share a raw output."""
        if self.is_softmax:
            return output(raw)
        if len(self.classes) == 1:  # whatever the raw output, there is one class to predict
            return output(torch.full_like(raw, torch.inf))
        # 1 - σ(z) = σ(-z), without cancellation
        return torch.cat([output(-raw), output(raw)], dim=1)


@kept
class LabelTarget(_LabelledTarget):
    """Several labels per row, each there or not: one logistic unit for each (multilabel).

    Parameters
    ----------
    task : Classification
        The options.
    n_labels : int
        Number of labels.
    is_sparse : bool
        Whether predictions are a sparse matrix, as the first y was.
    """

    def __init__(self, task, n_labels, *, is_sparse):
        super().__init__(task)
        self.n_outputs = n_labels
        self.is_sparse = is_sparse

    @property
    def classes(self):
        """Numbers of the labels."""
        return np.arange(self.n_outputs)

    def with_end(self):
        """Raise ValueError: sequences of several labels cannot be written."""
        raise ValueError("output='sequence' writes one label after the other: y has several.")

    def _make_output(self):
        return modules.LogisticOutput()

    def make_loss(self):
        return self.task.make_loss(training.BinaryCrossEntropy)

    def check_classes(self, classes):
        """Accept any: the labels of an indicator are its columns."""

    def check(self, y, *, as_before=False, is_validation=False):
        if y.ndim != 2 or y.shape[1] != self.n_outputs:
            raise ValueError(f"y must be an indicator of {self.n_outputs} labels, as in fit.")
        values = np.unique(y.data if sp.issparse(y) else y)
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"A multilabel y must hold 0 and 1, it holds {values}.")

    def encode(self, y):
        return _dense(y).astype(np.float64)

    def strata(self, y):
        return None

    def _learn_further(self, y, sample_weight):
        self._label_weights = self.task.class_weight
        if self._label_weights != "balanced":
            return
        self._label_weights = []
        for label in _dense(y).T:
            classes = np.unique(label)
            weight = compute_class_weight("balanced", classes=classes, y=label)
            self._label_weights.append(dict(zip(classes, weight, strict=True)))

    def weigh(self, y, sample_weight):
        if self.task.class_weight is None:
            return sample_weight
        with self._named_weights():
            weight = compute_sample_weight(self._label_weights, _dense(y))
        weight = self._checked(weight)
        return weight if sample_weight is None else weight * sample_weight

    def step_weights(self):
        if self.task.class_weight is not None:
            raise ValueError(
                "class_weight is not there for several labels per timestep; give sample_weight."
            )

    def predictions(self, raw):
        labels = (self.probabilities(raw) > 0.5).astype(int)
        return sp.csr_matrix(labels) if self.is_sparse else labels

    def _of_classes(self, raw, output):
        return output(raw)


def _dense(y):
    return y.toarray() if sp.issparse(y) else y
