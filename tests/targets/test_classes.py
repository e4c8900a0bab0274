"""Classes and labels between a user's y and the tensors of training."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import expit, log_softmax
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from sknets import training
from sknets.targets import Classification, ClassTarget, LabelTarget, Raw

PLAIN = Classification(class_weight=None, label_smoothing=0.0)
BALANCED = Classification(class_weight="balanced", label_smoothing=0.1)
Y = np.array(["b", "a", "c", "b", "b"])
LABELS = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0]])


def learn(task, y, sample_weight=None, classes=None):
    return task.learn(y, sample_weight, classes).for_fit(task, y, sample_weight)


def raw(values, dtype=np.float64):
    return Raw(torch.tensor(values, dtype=torch.float64), None, dtype)


def test_kind_of_target_follows_y():
    assert isinstance(learn(PLAIN, Y), ClassTarget)
    assert isinstance(learn(PLAIN, LABELS), LabelTarget)
    with pytest.raises(ValueError, match="multiclass-multioutput"):
        learn(PLAIN, np.array([[1, 2], [3, 4]]))


@pytest.mark.parametrize(
    ("y", "classes", "n_outputs", "output", "loss"),
    [
        (Y, None, 3, "softmax", training.SoftmaxCrossEntropy),
        (Y[:2], None, 1, "logistic", training.BinaryCrossEntropy),
        (Y[:2], ["a", "b", "c"], 3, "softmax", training.SoftmaxCrossEntropy),
        (Y[:1], None, 1, "logistic", training.BinaryCrossEntropy),
        (LABELS, None, 3, "logistic", training.BinaryCrossEntropy),
    ],
)
def test_output_and_loss_belong_together(y, classes, n_outputs, output, loss):
    target = learn(PLAIN, y, classes=classes)
    assert target.n_outputs == n_outputs
    assert target.output.name == output == loss.output
    assert type(target.make_loss()) is loss


def test_codes_lead_back_to_labels():
    target = learn(PLAIN, Y)
    codes = target.encode(Y)
    np.testing.assert_array_equal(codes, [1, 0, 2, 1, 1])
    assert target.predictions(raw(10.0 * np.eye(3)[codes])).tolist() == Y.tolist()
    two = learn(PLAIN, Y[:2])
    assert two.encode(Y[:2]).tolist() == [[1.0], [0.0]]
    assert two.predictions(raw([[3.0], [-3.0]])).tolist() == ["b", "a"]


def test_probabilities_equal_scipys():
    values = np.array([[1.0, -2.0, 0.5], [800.0, 0.0, -800.0]])
    target = learn(PLAIN, Y)
    np.testing.assert_allclose(target.log_probabilities(raw(values)), log_softmax(values, axis=1))
    two = learn(PLAIN, Y[:2])
    np.testing.assert_allclose(
        two.probabilities(raw([[2.0], [-40.0]])), np.transpose([expit([-2, 40]), expit([2, -40])])
    )
    np.testing.assert_allclose(two.log_probabilities(raw([[-900.0]])), [[0.0, -900.0]])
    assert two.probabilities(raw([[0.0]], np.float32)).dtype == np.float32


def test_one_class_is_certain():
    target = learn(PLAIN, Y[:1])
    np.testing.assert_array_equal(target.probabilities(raw([[-5.0], [5.0]])), [[1.0], [1.0]])


def test_class_weights_are_scikit_learns():
    weight = np.array([1.0, 2.0, 1.0, 0.5, 1.0])
    target = learn(BALANCED, Y, weight)
    repeated = np.repeat(Y, (2 * weight).astype(int))
    by_class = compute_class_weight("balanced", classes=target.classes, y=repeated)
    np.testing.assert_allclose(target.weigh(Y, weight), weight * by_class[target.encode(Y)])
    labels = learn(BALANCED, LABELS)
    np.testing.assert_allclose(
        labels.weigh(LABELS, None), compute_sample_weight("balanced", LABELS)
    )


def test_fit_that_goes_on_leaves_the_target_before_as_it_was():
    before = learn(PLAIN, Y)
    after = before.for_fit(BALANCED, Y, None)
    assert before.weigh(Y, None) is None
    assert after.weigh(Y, None) is not None
    assert after.make_loss().label_smoothing == 0.1
    assert before.make_loss().label_smoothing == 0.0


def test_further_labels_are_compared():
    target = learn(PLAIN, Y)
    target.check(Y[:2])
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        target.check(Y[:2], as_before=True)
    with pytest.raises(ValueError, match=r"classes not in .* 'd'|\['d'\] beside them"):
        target.check(np.array(["a", "d"]))
    with pytest.raises(ValueError, match="y must have one class per row, as in fit"):
        target.check(LABELS)
    with pytest.raises(ValueError, match="not the same as on last call to partial_fit"):
        target.check_classes(["a", "b"])
    with pytest.raises(ValueError, match="indicator of 3 labels"):
        learn(PLAIN, LABELS).check(LABELS[:, :2])


@pytest.mark.parametrize(
    ("labels", "unknown"),
    [
        ((1, 5), 3),
        ((1, 5), 0),
        ((1, 5), 9),
        (("a", "c"), "b"),
        (("a", "c"), "cc"),
        ((1.0, 5.0), 3.0),
    ],
)
def test_one_unknown_label_among_many_rows_is_found(labels, unknown):
    y = np.repeat(labels, 20)
    target = learn(PLAIN, y)
    target.check(y)
    y = np.append(y, unknown)
    with pytest.raises(ValueError, match="classes not in `self.classes_`"):
        target.check(y)


def test_numbers_that_are_no_labels_are_no_classes():
    target = learn(PLAIN, np.repeat([0, 1], 20), classes=[0, 0.5, 1])
    with pytest.raises(ValueError, match="Unknown label type"):
        target.check(np.repeat([0, 0.5], 20))


def test_labels_come_back_as_they_came():
    sparse = learn(PLAIN, sp.csr_matrix(LABELS))
    values = raw(20.0 * LABELS - 10.0)
    assert sp.issparse(sparse.predictions(values))
    np.testing.assert_array_equal(sparse.predictions(values).toarray(), LABELS)
    np.testing.assert_array_equal(learn(PLAIN, LABELS).predictions(values), LABELS)


def test_end_is_one_class_more():
    target = learn(PLAIN, Y[:2]).with_end()
    assert (target.n_outputs, target.output.name) == (3, "softmax")
    np.testing.assert_array_equal(target.encode(Y[:2]), [1, 0])
    with pytest.raises(ValueError, match="one label after the other"):
        learn(PLAIN, LABELS).with_end()
