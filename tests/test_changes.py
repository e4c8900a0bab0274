"""What has changed since the first call is named, and nothing else."""

import pytest

from sknets._changes import check_unchanged

PLAN = {
    "layers": [{"units": 3, "activation": "relu"}, {"units": 4, "activation": "relu"}],
    "input": {"shape": (8, 8), "n_spatial": 2},
    "dropout": 0.0,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dropout": 0.5}, "changed: dropout from 0.0 to 0.5. Set"),
        (
            {"input": {"shape": (8, 7), "n_spatial": 2}},
            r"changed: input: shape from .* to \(8, 7\). Set",
        ),
        (
            {"layers": [PLAN["layers"][0], {"units": 5, "activation": "relu"}]},
            r"changed: layers \(number 2\): units from 4 to 5. Set",
        ),
        ({"layers": PLAN["layers"][:1]}, "changed: layers from 2 to 1. Set"),
        ({"dropout": "x" * 100}, "changed: dropout. Set"),
        (
            {"layers": [{"units": 7, "activation": "tanh"}] * 2, "dropout": 1.0},
            "number 2.: activation from relu to tanh, and 1 more. Set",
        ),
    ],
)
def test_changes_are_named(change, words):
    check_unchanged(PLAN, dict(PLAN))
    with pytest.raises(ValueError, match=words):
        check_unchanged(PLAN, PLAN | change)
