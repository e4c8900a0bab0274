"""How a user's module is called, its parameters, and the words about what is wrong with it."""

import functools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import MLPRegressor, ModuleClassifier, ModuleRegressor
from tests.drawn import drawn
from tests.estimators.estimators import X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, SmallModule

X, Y = X_DIABETES[:100], Y_DIABETES[:100]

# --- what it is called with -----------------------------------------------------------------------------


def by_place(inputs, outputs, width=3):
    return nn.Sequential(nn.Linear(inputs, width), nn.Linear(width, outputs))


def by_name(n_outputs, n_inputs, width=3):
    return by_place(n_inputs, n_outputs, width)


def by_keyword(*, n_outputs, width=3, n_inputs):
    return by_place(n_inputs, n_outputs, width)


def by_default(n_inputs=1, n_outputs=1, width=3):
    return by_place(n_inputs, n_outputs, width)


def on_its_own(width=3, depth=1):
    return by_place(10, 1, width)


def outputs_alone(n_outputs, width=3):
    return by_place(10, n_outputs, width)


class Fixed(nn.Sequential):
    """As skorch's users write modules."""

    def __init__(self, width=3):
        super().__init__(nn.Linear(10, width), nn.Linear(width, 1))


WAYS = [by_place, by_name, by_keyword, by_default, on_its_own, outputs_alone, Fixed]


@pytest.mark.parametrize("make", [*WAYS, functools.partial(by_place, 10, 1)])
def test_module_is_given_what_it_has_place_for(make):
    network = ModuleRegressor(make, max_iter=1, random_state=0).fit(X, Y)
    assert network.n_parameters_ == 10 * 3 + 3 + 3 + 1
    network = ModuleRegressor(make, {"width": 5}, max_iter=1, random_state=0).fit(X, Y)
    assert network.n_parameters_ == 10 * 5 + 5 + 5 + 1


def test_class_of_torch_is_a_module():
    assert ModuleRegressor(nn.Linear, {"bias": False}, max_iter=1).fit(X, Y).n_parameters_ == 10


def needs_more(n_inputs, n_outputs, depth):
    return by_place(n_inputs, n_outputs)


def fails(n_inputs, n_outputs):
    raise TypeError("sizes must be even")


@pytest.mark.parametrize(
    ("make", "params", "words"),
    [
        (by_place, {"widht": 3}, r"module=by_place cannot be called as by_place\(10, 1, widht=3\)"),
        (
            by_place,
            {"widht": 3},
            r"module_params={'widht': 3}; it takes \(inputs, outputs, width=3\)",
        ),
        (Fixed, {"depth": 3}, r"module=Fixed cannot be called as Fixed\(depth=3\)"),
        (needs_more, None, "missing a required argument: 'depth'"),
        (lambda n: nn.Linear(n, 1), None, r"module=<lambda> cannot be called as <lambda>\(10, 1\)"),
        (
            fails,
            None,
            r"module=fails failed when called as fails\(n_inputs=10, n_outputs=1\): sizes",
        ),
        (by_place, {"width": -3}, "module=by_place failed when called as"),
        (
            lambda n_inputs, n_outputs: 3,
            None,
            "module must make a torch.nn.Module, it returned int",
        ),
    ],
)
def test_wrong_call_is_told(make, params, words):
    with pytest.raises(ValueError, match=words):
        ModuleRegressor(make, params).fit(X, Y)


# --- module__width ------------------------------------------------------------------------------------


def test_parameters_of_the_module_have_names_of_their_own():
    given = {"width": 5}
    network = ModuleRegressor(SmallModule, given)
    assert network.get_params()["module__width"] == 5
    assert "module__width" not in network.get_params(deep=False)
    assert network.set_params(module__width=8, alpha=0.1) is network
    assert network.module_params == {"width": 8}
    assert given == {"width": 5}  # which is the user's
    assert network.get_params()["module__width"] == 8
    assert "module_params={'width': 8}" in repr(network)
    network.set_params(module_params={"depth": 2}, module__width=3)
    assert network.module_params == {"depth": 2, "width": 3}
    assert clone(network).get_params() == network.get_params()
    other = ModuleRegressor().set_params(**network.get_params())
    assert other.get_params() == network.get_params()
    network._repr_html_()


def test_grid_over_parameters_of_the_module():
    model = make_pipeline(
        StandardScaler(), ModuleRegressor(SmallModule, max_iter=2, random_state=0)
    )
    grid = {"moduleregressor__module__width": [1, 16], "moduleregressor__alpha": [0.0, 1.0]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    best = search.best_estimator_[-1]
    assert best.module_params == {"width": search.best_params_["moduleregressor__module__width"]}
    assert best.module_[0].out_features == best.module_params["width"]
    two = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(
        two.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_names_that_are_none_are_refused():
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        ModuleRegressor(SmallModule).set_params(nonsense=3)
    with pytest.raises(ValueError, match="Invalid parameter 'module'"):
        MLPRegressor().set_params(module__width=3)
    network = ModuleRegressor(SmallModule).set_params(module__widht=3)
    with pytest.raises(ValueError, match="module=SmallModule cannot be called.*'widht'"):
        network.fit(X, Y)


def test_subclass_without_module_params_has_no_names_of_its_module():
    class Own(ModuleRegressor):
        def __init__(self, alpha=0.0):
            super().__init__(SmallModule, {"width": 3}, alpha=alpha, max_iter=1)

    assert Own().get_params() == {"alpha": 0.0}
    with pytest.raises(ValueError, match="Invalid parameter 'module'"):
        Own().set_params(module__width=3)
    assert Own().fit(X, Y).module_[0].out_features == 3


@drawn(60)
@given(
    first=st.dictionaries(st.sampled_from(["width", "a", "b__c"]), st.integers(1, 9)),
    sets=st.lists(
        st.dictionaries(st.sampled_from(["width", "a", "b__c"]), st.integers(1, 9)), max_size=4
    ),
    begins_empty=st.booleans(),
)
def test_drawn_settings_are_those_of_a_dict(first, sets, begins_empty):
    network = ModuleRegressor(SmallModule, None if begins_empty else dict(first))
    expected = {} if begins_empty else dict(first)
    for values in sets:
        expected |= values
        network.set_params(**{f"module__{name}": value for name, value in values.items()})
        assert (network.module_params or {}) == expected
        for copied in (network, clone(network), pickle.loads(pickle.dumps(network))):
            deep = copied.get_params()
            listed = {n.removeprefix("module__"): deep[n] for n in deep if n.startswith("module__")}
            assert listed == expected


# --- what it computes with ------------------------------------------------------------------------------


class Computing(nn.Module):
    def __init__(self, n_inputs, n_outputs, compute=None):
        super().__init__()
        self.linear = nn.Linear(n_inputs, n_outputs)
        self.compute = compute

    def forward(self, x):
        return self.compute(self.linear(x), x)


def with_float32(raw, x):
    return raw @ torch.ones(1, 1)


@pytest.mark.parametrize(
    "compute",
    [
        with_float32,
        lambda raw, x: raw + nn.functional.linear(x, torch.ones(1, 10)),
        lambda raw, x: torch.cat([x.float(), x], 1) @ raw.new_ones(20, 1).float() + raw,
        lambda raw, x: nn.functional.conv1d(x[:, None], torch.ones(1, 1, 10))[:, 0] + raw,
        lambda raw, x: torch.addmm(torch.zeros(1), x, torch.ones(10, 1)) + raw,
        lambda raw, x: torch.baddbmm(torch.zeros(1), x[:, None], x[:, :, None].float())[:, 0] + raw,
        lambda raw, x: torch.nn.functional.layer_norm(x, (10,), torch.ones(10))[:, :1] + raw,
        lambda raw, x: torch.dot(torch.ones(10), x[0]) + raw,
        lambda raw, x: nn.GRU(10, 1, batch_first=True)(x[:, None])[0][:, 0] + raw,
        lambda raw, x: torch.einsum("ni,i->n", x, torch.ones(10))[:, None] + raw,
    ],
)
def test_tensors_of_float32_inside_are_explained(compute):
    network = ModuleRegressor(Computing, {"compute": compute}, max_iter=1)
    with pytest.raises(ValueError, match='module: Computing failed.*set dtype="float32"'):
        network.fit(X, Y)
    network.set_params(dtype="float32").fit(X, Y)
    assert (
        ModuleRegressor(Computing, {"compute": compute}, max_iter=1)
        .fit(X.astype(np.float32), Y)
        .predict(X[:3].astype(np.float32))
        .dtype
        == np.float32
    )


@pytest.mark.parametrize(
    "compute",
    [
        lambda raw, x: raw.to("meta"),
        lambda raw, x: torch.cat([raw, torch.ones(1, 1, device="meta")]).sum(1),
        lambda raw, x: raise_as_cuda_does(),
    ],
)
def test_tensor_on_another_device_is_explained(compute):
    network = ModuleRegressor(Computing, {"compute": compute}, max_iter=1)
    with pytest.raises(ValueError, match='module.* Computing.*device=x.device.*device="cpu"'):
        network.fit(X, Y)


def raise_as_cuda_does():
    raise RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
    )


@pytest.mark.parametrize("cast", [torch.Tensor.float, torch.Tensor.double, torch.Tensor.half])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_type_of_raw_outputs_does_not_matter(cast, dtype):
    params = {"dtype": dtype, "max_iter": 3, "random_state": 0}
    network = ModuleRegressor(Computing, {"compute": lambda raw, x: cast(raw)}, **params).fit(X, Y)
    plain = ModuleRegressor(Computing, {"compute": lambda raw, x: raw}, **params).fit(X, Y)
    np.testing.assert_allclose(network.predict(X), plain.predict(X), rtol=2e-2)


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (
            lambda raw, x: raw.expand(-1, 3),
            r"raw outputs of shape \(100, 1\) for 100 rows.*\(100, 3\)",
        ),
        (lambda raw, x: raw[:5], r"shape \(100, 1\) for 100 rows.*\(5, 1\)"),
        (lambda raw, x: (raw, x), "module must return a tensor.*returned tuple"),
        (lambda raw, x: None, "module must return a tensor.*returned NoneType"),
        (
            lambda raw, x: raw.detach(),
            "module must return raw outputs that depend on its parameters",
        ),
        (lambda raw, x: raw.argmax(1), "depend on its parameters"),
        (lambda raw, x: raw + "a", "module: Computing failed when called with x of shape"),
        (
            lambda raw, x: raw @ raw.new_ones(7, 1),
            r"module: Computing.*\(100, 10\) of torch.float64",
        ),
        (lambda raw, x: x[:, 99], "module: Computing failed.*out of bounds"),
        (lambda raw, x: raw * torch.nan, "non-finite"),
    ],
)
def test_what_is_wrong_with_its_outputs_is_told(compute, words):
    network = ModuleRegressor(SmallModule, max_iter=1, random_state=0).fit(X, Y)
    before = network.predict(X)
    network.set_params(module=Computing, module__compute=compute)
    with pytest.raises(ValueError, match=words):
        network.fit(X, Y)
    network.set_params(module=SmallModule)
    np.testing.assert_array_equal(network.predict(X), before)


def test_classifier_of_two_outputs_for_two_classes_is_told_the_shape():
    network = ModuleClassifier(lambda n_inputs, n_outputs: nn.Linear(n_inputs, 2))
    with pytest.raises(ValueError, match=r"shape \(100, 1\).*returned \(100, 2\)"):
        network.fit(X_IRIS[:100], Y_IRIS[:100])


def test_errors_of_a_users_own_pass():
    def compute(raw, x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        ModuleRegressor(Computing, {"compute": compute}, max_iter=1).fit(X, Y)


class Changing(nn.Module):
    """Made anew, it is another network."""

    width = 3

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = by_place(n_inputs, n_outputs, self.width)

    def forward(self, x):
        return self.layers(x)


def test_pickle_of_a_module_that_has_changed_since_is_refused(monkeypatch):
    pickled = pickle.dumps(ModuleRegressor(Changing, max_iter=1).fit(X, Y))
    pickle.loads(pickled)
    monkeypatch.setattr(Changing, "width", 4)
    with pytest.raises(
        ValueError, match="The network of this ModuleRegressor.*module.*has changed"
    ):
        pickle.loads(pickled)
