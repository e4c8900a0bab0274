"""The leaves of the estimators: what their files say is what stands on their pages."""

import ast
import inspect
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import sknets
from sknets import training
from sknets.estimators._sklearn import StrOptions, validate_parameter_constraints
from sknets.estimators._training_words import SOLVERS

SCRIPT = Path(sknets.__file__).parent.parent / "tools" / "make_leaves.py"
MAKE = runpy.run_path(str(SCRIPT))
LEAVES = pytest.mark.parametrize("Leaf", MAKE["LEAVES"], ids=lambda leaf: leaf.__name__)
PAGES = [leaf._page for leaf in MAKE["LEAVES"]]

X = np.linspace(-1, 1, 40).reshape(20, 2)
Y = X[:, 0]


def source(leaf):
    return Path(inspect.getfile(leaf)).read_text("utf-8")


def test_every_leaf_is_written():
    names = {
        f"{family}{task}"
        for family in ("MLP", "CNN", "RNN", "Module")
        for task in ("Classifier", "Regressor")
    }
    assert {leaf.__name__ for leaf in MAKE["LEAVES"]} >= names


@LEAVES
def test_file_says_what_the_page_says(Leaf):
    assert source(Leaf) == MAKE["with_words"](source(Leaf), Leaf._page), "run `make leaves`"


@LEAVES
def test_a_changed_word_is_seen_and_written(Leaf):
    page = Leaf._page.but(
        max_iter={"text": "Other words.", "default": "7"}, n_iter_={"text": "Again."}
    )
    written = MAKE["with_words"](source(Leaf), page)
    assert "    max_iter : int, default=7\n        Other words.\n" in written
    assert "        max_iter: int = 7,\n" in written
    assert "    n_iter_ : int\n        Again.\n" in written
    assert MAKE["with_words"](written, Leaf._page) == source(Leaf)


def test_what_is_not_of_the_page_stays():
    method = "\n    def more(self):\n        return 1\n"
    text = source(sknets.MLPRegressor) + method
    assert MAKE["with_words"](text, sknets.MLPRegressor._page) == text
    with pytest.raises(ValueError, match="Attributes"):
        MAKE["with_words"](text.replace("    Attributes\n", ""), sknets.MLPRegressor._page)


@LEAVES
def test_checks_are_those_of_the_page(Leaf):
    assert Leaf._parameter_constraints == Leaf._page.constraints
    assert list(Leaf._parameter_constraints) == list(inspect.signature(Leaf).parameters)


@LEAVES
def test_defaults_pass_the_checks(Leaf):
    page = Leaf._page
    defaults = {entry.name: entry.default_value for entry in page.parameters if entry.default}
    validate_parameter_constraints(page.constraints, defaults, caller_name=Leaf.__name__)
    assert not page.without_defaults(defaults, page.constraints)


@LEAVES
def test_words_are_whole(Leaf):
    for line in source(Leaf).splitlines():
        is_type = re.match(r"    \w+ : ", line)
        assert is_type or len(line) <= 106, line
    for entry in (*Leaf._page.parameters, *Leaf._page.attributes):
        assert not re.search(r"\{\w+\}", entry.text), (
            f"{entry.name} has a word that no page fills in"
        )


@LEAVES
def test_subclass_may_have_a_constructor_of_its_own(Leaf):
    class Own(Leaf):
        def __init__(self, epochs=3):
            super().__init__(max_iter=epochs)
            self.epochs = epochs

    estimator = Own(epochs=5)
    assert estimator.get_params() == {"epochs": 5}
    assert estimator.max_iter == 5
    assert estimator.solver == "adam"


@pytest.mark.parametrize("page", PAGES)
def test_defaults_suit_every_solver(page):
    for parameter in page.parameters:
        assert parameter.is_neutral(ast.literal_eval(parameter.default or "None")), parameter.name


# --- what solvers and losses declare -----------------------------------------------------------------


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("page", PAGES)
def test_solver_declares_what_is_on_the_page(page, name):
    defaults = {parameter.name: parameter.default for parameter in page.parameters}
    texts = {parameter.name: parameter.text for parameter in page.parameters}
    for parameter, default in training.declared(SOLVERS[name]).items():
        assert ast.literal_eval(defaults[parameter]) == default
        assert repr(name) in texts[parameter]


@pytest.mark.parametrize("name", training.LOSSES)
def test_loss_declares_what_is_on_the_page(name):
    defaults = {p.name: p.default for p in sknets.MLPRegressor._page.parameters}
    for parameter, default in training.declared(training.LOSSES[name]).items():
        assert ast.literal_eval(defaults[parameter]) == default


def test_solver_gets_what_it_declares_and_nothing_else(monkeypatch):
    class Sign(training.Solver):
        def __init__(self, theta, lr, *, beta_1=0.9):
            super().__init__(theta, lr)
            self.beta_1 = beta_1

        def rates(self, n, lr):
            return [lr]

        @staticmethod
        def move(xp, theta, g, buffers, scratch, lr):
            xp.sign(g, out=scratch)
            scratch *= lr
            theta -= scratch

    monkeypatch.setitem(training.SOLVERS, "sign", Sign)
    monkeypatch.setitem(
        sknets.MLPRegressor._parameter_constraints, "solver", [StrOptions({"sign"})]
    )
    network = sknets.MLPRegressor(solver="sign", beta_1=0.5, beta_2=0.7, max_iter=2).fit(X, Y)
    assert isinstance(network.net_.optimizer_, Sign)
    assert network.net_.optimizer_.beta_1 == 0.5


def test_loss_gets_what_it_declares_and_nothing_else(monkeypatch):
    class Beyond(training.Loss):
        def __init__(self, *, quantile=0.5):
            super().__init__()
            self.quantile = quantile

        def elements(self, raw, target):
            return (raw - target).abs() * self.quantile

    monkeypatch.setitem(training.LOSSES, "beyond", Beyond)
    monkeypatch.setitem(
        sknets.MLPRegressor._parameter_constraints, "loss", [StrOptions({"beyond"})]
    )
    network = sknets.MLPRegressor(loss="beyond", quantile=0.3, max_iter=2).fit(X, Y)
    assert network.net_.criterion_.quantile == 0.3
