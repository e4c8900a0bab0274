"""Ways to train by name."""

import pytest

from sknets import training
from tests.training.nets import make_linear, make_net, make_rows

MINIMIZERS = ("lbfgs", "lm", "gauss-newton", "newton")


@pytest.mark.parametrize("name", training.SOLVERS)
def test_every_way_says_what_it_needs(name):
    kind = training.SOLVERS[name]
    assert kind.takes_all_rows is (name in ("gd", *MINIMIZERS))
    assert kind.is_incremental is (name not in MINIMIZERS)
    assert kind.decays_weights is (name == "adamw")


def test_parameters_reach_the_solver_or_the_minimiser():
    theta = training.FlatParameters(make_linear()).theta
    method = training.make_method("sgd", {"momentum": 0.3}, shuffle=False, batch_growth=2.0)
    assert method.make_solver(theta, 0.5).momentum == 0.3
    assert method.make_solver(theta, 0.5).lr == 0.5
    assert (method.shuffle, method.batch_growth) == (False, 2.0)
    assert training.make_method("lbfgs", {"max_fun": 7}).max_fun == 7


def test_a_solver_of_ones_own_needs_its_entry_alone(monkeypatch):
    class Sign(training.Solver):
        """Steps of equal length in each coordinate."""

        def rates(self, n, lr):
            return [lr]

        @staticmethod
        def move(xp, theta, g, buffers, scratch, lr):
            xp.sign(g, out=scratch)
            scratch *= lr
            theta -= scratch

    monkeypatch.setitem(training.SOLVERS, "sign", Sign)
    before = make_net(solver="sign").flat.values.clone()
    net = make_net(solver="sign", max_epochs=1).fit(make_rows())
    steps = ((net.flat.values - before) / 0.01).round().abs()
    assert set(steps.tolist()) <= {0.0, 2.0, 4.0}  # of four batches, an even number


def test_methods_answer_the_same_questions():
    for name in training.SOLVERS:
        method = training.make_method(name)
        assert isinstance(method, training.Method)
        assert method.counts_rows is method.watches_train_loss is (name not in MINIMIZERS)
        assert isinstance(method.advice, dict)
