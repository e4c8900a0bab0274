"""What solvers and losses declare."""

import pytest

from sknets import modules, training

MINIMIZERS = ("lbfgs", "lm", "gauss-newton", "newton")


def test_declared_are_the_keyword_only_arguments_with_their_defaults():
    class Thing:
        def __init__(self, theta, lr=0.1, *, beta_1=0.9, epsilon=1e-8, **others):
            pass

    assert dict(training.declared(Thing)) == {"beta_1": 0.9, "epsilon": 1e-8}


def test_declared_are_inherited_with_the_constructor():
    assert training.declared(training.SOLVERS["adamw"]) == training.declared(
        training.SOLVERS["adam"]
    )
    assert not training.declared(training.SOLVERS["gd"])


def test_a_constructor_that_replaces_another_declares_anew():
    assert "momentum" not in training.declared(training.SOLVERS["rmsprop"])
    assert list(training.declared(training.SOLVERS["rmsprop"])) == ["rho", "epsilon"]


@pytest.mark.parametrize("name", training.SOLVERS)
def test_only_steepest_descent_takes_all_rows_and_only_adamw_decays_weights(name):
    solver = training.SOLVERS[name]
    assert solver.takes_all_rows is (name in ("gd", *MINIMIZERS))
    assert solver.is_incremental is (name not in MINIMIZERS)
    assert solver.decays_weights is (name == "adamw")


LOSSES = [*training.LOSSES.values(), training.BinaryCrossEntropy, training.SoftmaxCrossEntropy]


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_belongs_to_an_output(loss):
    outputs = {
        modules.IdentityOutput,
        modules.ExpOutput,
        modules.GaussianOutput,
        modules.LogisticOutput,
        modules.SoftmaxOutput,
    }
    assert loss.output in {output.name for output in outputs}
    assert loss.scaling in ("standardize", "mean", "median", None)
    # the scale of a positive mean is all that an exponential output can put back
    assert (loss.scaling == "mean") == (loss.output == "exp")


def test_poisson_deviance_is_for_y_that_is_not_negative():
    assert training.HalfPoissonDeviance.lowest_y == 0.0
    assert training.HalfSquaredError.lowest_y == -float("inf")
