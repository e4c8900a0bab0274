"""Words of parameters and attributes."""

import dataclasses

import numpy as np
import pytest

from sknets.estimators._words import Page, attribute, listed, one_of, parameter

TOL = parameter(
    """tol : float, default=1e-4
    Smallest change
    of the {what}.""",
    ["a constraint"],
)


def test_parameter_is_read_from_its_words():
    assert (TOL.name, TOL.type, TOL.default) == ("tol", "float", "1e-4")
    assert TOL.text.split() == ["Smallest", "change", "of", "the", "{what}."]
    assert parameter("module : class or callable\nMakes it.", []).default is None


@pytest.mark.parametrize(
    ("words", "annotation"),
    [
        ("float", "float"),
        ("int or None", "int | None"),
        ("{'a', 'b'} or None", "str | None"),
        ("{'a', 'b'}", "str"),
    ],
)
def test_annotation_follows_the_type(words, annotation):
    assert parameter(f"x : {words}, default=None\nText.", []).annotation == annotation


def test_words_never_change_but_in_a_copy():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOL.default = "0"
    assert TOL.but(default="0").default == "0"
    assert TOL.default == "1e-4"


def test_neutral_values_are_looked_for_in_lists_too():
    dropout = parameter("dropout : float, default=0.0\nRate.", [], neutral=(0,))
    assert dropout.is_neutral(0.0)
    assert dropout.is_neutral([0.0, 0.0])
    assert not dropout.is_neutral([0.0, 0.1])
    clipping = parameter("norm : float or None, default=None\nNorm.", [], neutral=(None, "auto"))
    assert clipping.is_neutral(None)
    assert clipping.is_neutral("auto")
    assert not clipping.is_neutral(1.0)
    assert TOL.is_neutral("anything")


def test_page_changes_what_is_named_and_fills_in_the_rest():
    page = Page((TOL,), (), (attribute("loss_ : float\nOf the {what}."),))
    page = page.but(loss_={"text": "The {what} itself."}).fill(what="loss")
    assert page.parameters[0].text.endswith("of the loss.")
    assert page.attributes[0].text == "The loss itself."
    assert page.constraints == {"tol": ["a constraint"]}
    with pytest.raises(ValueError, match="tolerance"):
        page.but(tolerance={"default": "0"})


def test_page_knows_which_values_need_a_check():
    page = Page((TOL, parameter("module : class\nMakes it.", ["another"])), (), ())
    constraints = page.constraints
    assert page.without_defaults({"tol": 1e-4, "module": None}, constraints) == {"module": None}
    for value in (1e-3, np.float64(1e-4), "1e-4", None):
        assert page.without_defaults({"tol": value}, constraints) == {"tol": value}
    # whoever narrows a constraint wants the default checked too
    assert page.without_defaults({"tol": 1e-4}, {"tol": ["a constraint"]}) == {"tol": 1e-4}


def test_names_stand_in_types_and_sentences():
    assert one_of(["a", "b"]) == "{'a', 'b'}"
    assert listed(["a"]) == "'a'"
    assert listed(["a", "b", "c"]) == "'a', 'b' and 'c'"
    assert listed(["a", "b"], " or ") == "'a' or 'b'"
