"""Whatever X a user's module takes: tables, whole numbers, images, sequences."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from torch import nn

from sknets import ModuleClassifier, ModuleRegressor
from tests.drawn import drawn, result_or_words

RNG = np.random.default_rng(0)
QUICK = {"max_iter": 80, "learning_rate_init": 0.03, "random_state": 0}


def check_copies(network, X, y):
    """Assert that copies predict the same and learn on the same."""
    expected = network.predict(X)
    copies = [pickle.loads(pickle.dumps(network)), copy.deepcopy(network)]
    network.partial_fit(X, y)
    for copied in copies:
        np.testing.assert_array_equal(copied.predict(X), expected)
        copied.partial_fit(X, y)
        again = pickle.loads(pickle.dumps(copied))
        np.testing.assert_array_equal(again.predict(X), network.predict(X))


# --- whole numbers ---------------------------------------------------------------------------------


class Embedded(nn.Module):
    """An embedding of each column; it refuses anything but int64."""

    def __init__(self, n_inputs, n_outputs, size=20):
        super().__init__()
        self.embedding = nn.Embedding(size, 4)
        self.output = nn.Linear(4 * n_inputs, n_outputs)

    def forward(self, x):
        assert x.dtype == torch.int64
        return self.output(self.embedding(x).flatten(1))


IDS = RNG.integers(0, 20, (80, 3))
LABELS = (IDS[:, 0] % 2).astype(int)  # which no line through the numbers tells

WHOLE = {
    "int64": lambda X: X,
    "int8": lambda X: X.astype(np.int8),
    "uint16": lambda X: X.astype(np.uint16),
    "list": lambda X: X.tolist(),
    "frame": lambda X: pd.DataFrame(X, columns=list("abc")),
    "nullable frame": lambda X: pd.DataFrame(X, columns=list("abc")).astype("Int64"),
    "floats": lambda X: X.astype(float),
    "float32": lambda X: X.astype(np.float32),
    "column-major": np.asfortranarray,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_embedding_sees_whole_numbers(kind):
    X = WHOLE[kind](IDS)
    network = ModuleClassifier(Embedded, **QUICK).fit(X, LABELS)
    assert network.score(X, LABELS) == 1
    assert network.n_features_in_ == 3
    plain = ModuleClassifier(Embedded, **QUICK).fit(IDS, LABELS)
    np.testing.assert_array_equal(network.predict_proba(X), plain.predict_proba(IDS))
    for given_as in WHOLE.values():
        X_also = given_as(IDS)
        if not hasattr(X_also, "columns"):  # names that are there in one X only are warned of
            np.testing.assert_array_equal(plain.predict(X_also), plain.predict(IDS))
    check_copies(plain, IDS, LABELS)


def test_embedding_behind_an_encoder_that_makes_floats():
    words = np.array(list("abcdefghijklmnopqrst"))[IDS]
    model = make_pipeline(OrdinalEncoder(), ModuleClassifier(Embedded, **QUICK))
    assert model.fit(words, LABELS).score(words, LABELS) == 1


@pytest.mark.parametrize(
    "options", [{"early_stopping": True}, {"solver": "lbfgs"}, {"average": "polyak"}]
)
def test_embedding_with_options_of_training(options):
    network = ModuleClassifier(Embedded, **{**QUICK, **options})
    network.fit(IDS, LABELS, X_val=IDS[:9].astype(float), y_val=LABELS[:9])
    assert network.predict(IDS).shape == (80,)
    assert np.isfinite(network.history_["validation_loss"]).all()


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (IDS + 0.5, "X has numbers with fractions"),
        (IDS * 1e300, "X has numbers with fractions, or too large"),
        (np.where(IDS > 18, np.nan, IDS), "X contains NaN"),
        (sp.csr_array(IDS), "X is sparse"),
        (IDS + 15, "nn.Embedding needs one more row than the largest whole number in X"),
        (IDS[:, :2], "X has 2 features"),
    ],
)
def test_other_numbers_than_those_of_the_fit_are_refused(X, words):
    network = ModuleClassifier(Embedded, max_iter=1).fit(IDS, LABELS)
    with pytest.raises(ValueError, match=words):
        network.predict(X)


def test_large_whole_numbers_are_exact():
    seen = []

    class Watching(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(n_outputs))

        def forward(self, x):
            seen.append(x.clone())
            return (x % 2) * self.weight

    X = np.array([[2**53 + 1], [2**53 + 2], [-(2**62) - 1]])
    ModuleRegressor(Watching, max_iter=1, shuffle=False).fit(X, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(seen[-1].numpy(), X)
    with pytest.raises(ValueError, match="X has 9223372036854775809"):
        ModuleRegressor(Watching).fit(np.array([[2**63 + 1], [1]], dtype=np.uint64), [0.0, 1.0])


@pytest.mark.parametrize(
    "X", [IDS, sp.csr_array(IDS), IDS > 9, pd.DataFrame(IDS, columns=list("abc"))]
)
def test_module_of_floats_sees_whole_numbers_as_float64(X):
    network = ModuleClassifier(nn.Linear, **QUICK).fit(X, LABELS)
    dense = X.toarray() if sp.issparse(X) else np.asarray(X)
    as_floats = ModuleClassifier(nn.Linear, **QUICK).fit(dense.astype(float), LABELS)
    assert network.net_.flat.values.dtype == torch.float64
    expected = as_floats.predict_proba(dense.astype(float))
    np.testing.assert_allclose(network.predict_proba(X), expected, rtol=0, atol=1e-12)
    if not hasattr(X, "columns"):
        assert network.predict(dense + 0.5).shape == (80,)  # a mean of rows, as plots need it


def test_mixed_table_arrives_as_floats():
    class Mixed(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.embedding, self.output = nn.Embedding(20, 4), nn.Linear(5, n_outputs)

        def forward(self, x):
            parts = [self.embedding(x[:, 0].long()), x[:, 1:]]
            return self.output(torch.cat(parts, 1))

    X = np.column_stack([IDS[:, 0], RNG.random(80)])
    assert ModuleClassifier(Mixed, **QUICK).fit(X, LABELS).score(X, LABELS) == 1
    with pytest.raises(ValueError, match=r"module: Embedded.*Long.*x\[:, k\].long\(\)"):

        class Plain(Embedded):
            def forward(self, x):
                return self.output(self.embedding(x).flatten(1))

        Plain.__name__ = "Embedded"
        ModuleClassifier(Plain, **QUICK).fit(X, LABELS)


def test_first_rows_say_nothing_about_the_size_of_an_embedding():
    X = IDS.copy()
    X[:2] = 0
    with pytest.raises(ValueError, match="module: Embedded failed.*index out of range"):
        ModuleClassifier(Embedded, {"size": 15}, shuffle=False).fit(X, LABELS)


# --- images ------------------------------------------------------------------------------------------


class Convolved(nn.Module):
    """Sizes are left to lazy layers; channels come last, as in X."""

    def __init__(self, n_inputs, n_outputs, width=6):
        super().__init__()
        self.n_inputs = n_inputs
        self.body = nn.Sequential(
            nn.LazyConv2d(width, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(n_outputs)
        )

    def forward(self, x):
        return self.body(x.permute(0, 3, 1, 2) if x.ndim == 4 else x[:, None])


IMAGES = RNG.integers(0, 255, (60, 6, 5, 3)).astype(np.uint8)
BRIGHT = (IMAGES[:, :3].mean(axis=(1, 2, 3)) > 127).astype(int)

IMAGE_KINDS = {
    "colour": IMAGES / 255.0,
    "grey": IMAGES[..., 0] / 255.0,
    "float32": (IMAGES / 255.0).astype(np.float32),
    "list of arrays": list(IMAGES / 255.0),
    "nested list": (IMAGES / 255.0).tolist(),
    "uint8": IMAGES,
    "int64": IMAGES.astype(np.int64),
    "float16": (IMAGES / 255.0).astype(np.float16),
}


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_images_arrive_as_they_are(kind):
    X = IMAGE_KINDS[kind]
    network = ModuleClassifier(Convolved, max_iter=3, random_state=0).fit(X, BRIGHT)
    shape = np.shape(X)[1:]
    assert network.module_.n_inputs == shape
    assert network.n_features_in_ == np.prod(shape)
    assert network.n_parameters_ == sum(p.numel() for p in network.module_.parameters()) > 50
    assert network.summary()["multiply_adds"].sum() > network.n_parameters_
    check_copies(network, X, BRIGHT)


def test_values_of_images_are_those_of_x():
    seen = []

    class Watching(Convolved):
        def forward(self, x):
            seen.append(x.detach().clone())
            return super().forward(x)

    for X in (IMAGES, IMAGES / 255.0):
        ModuleClassifier(Watching, max_iter=1, shuffle=False).fit(X, BRIGHT)
        np.testing.assert_allclose(seen[-1].numpy(), X, rtol=1e-7)


def test_lazy_layers_are_as_others_but_for_their_sizes():
    def make(n_inputs, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(7), nn.ReLU(), nn.LazyLinear(n_outputs))

    X = RNG.standard_normal((40, 3, 4))
    networks = [
        ModuleRegressor(make, max_iter=5, random_state=s).fit(X, X[:, 0, 0]) for s in (0, 0, 1)
    ]
    a, b, c = (network.predict(X) for network in networks)
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-4  # initial weights follow random_state
    assert [type(layer).__name__ for layer in networks[0].module_][1] == "Linear"
    assert networks[0].module_[1].in_features == 12


class MadeLate(nn.Module):
    """Makes a layer when it first sees rows, as PyTorch had no lazy layers once."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.n_outputs = n_outputs
        self.first = nn.Linear(n_inputs, 3)

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        if not hasattr(self, "last"):
            self.last = nn.Linear(3, self.n_outputs)
        return self.last(hidden)


def test_layer_that_is_made_late_learns_and_is_pickled():
    X = RNG.standard_normal((50, 4))
    network = ModuleRegressor(MadeLate, max_iter=300, learning_rate_init=0.02, random_state=0)
    network.fit(X, np.sin(X[:, 0]))
    assert network.n_parameters_ == 4 * 3 + 3 + 3 + 1
    assert network.score(X, np.sin(X[:, 0])) > 0.9
    check_copies(network, X, np.sin(X[:, 0]))


def test_images_on_another_scale_than_those_of_the_fit_are_refused():
    whole = ModuleClassifier(Convolved, max_iter=1).fit(IMAGES, BRIGHT)
    with pytest.raises(ValueError, match="X holds fractions.*fitted to whole numbers"):
        whole.predict(IMAGES / 255)
    np.testing.assert_array_equal(whole.predict(IMAGES * 1.0), whole.predict(IMAGES))
    fractions = ModuleClassifier(Convolved, max_iter=1).fit(IMAGES / 255, BRIGHT)
    with pytest.raises(ValueError, match="X holds whole numbers.*fitted to fractions"):
        fractions.predict(IMAGES)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (IMAGES[:, :4], r"rows of shape \(4, 5, 3\).*fitted to rows of shape \(6, 5, 3\)"),
        (IMAGES[0], r"X\[np.newaxis\]"),
        (IMAGES.reshape(60, -1), r"rows of shape \(90,\)"),
        (np.where(IMAGES > 200, np.nan, IMAGES), "X contains NaN"),
        (np.where(IMAGES > 200, np.inf, IMAGES), "X contains infinity"),
        (IMAGES[:0], "0 sample"),
    ],
)
def test_images_of_another_kind_are_refused(X, words):
    network = ModuleClassifier(Convolved, max_iter=1).fit(IMAGES, BRIGHT)
    with pytest.raises(ValueError, match=words):
        network.predict(X)


# --- sequences -----------------------------------------------------------------------------------------


class Read(nn.Module):
    """A recurrent network that is told lengths."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.n_inputs = n_inputs
        self.read = nn.GRU(n_inputs[-1], 6, batch_first=True)
        self.output = nn.Linear(6, n_outputs)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        return self.output(self.read(packed)[1][0])


class BagOfWords(nn.Module):
    """The mean of embeddings; it knows padding from lengths alone."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.n_inputs = n_inputs
        self.embedding, self.output = nn.Embedding(20, 5), nn.Linear(5, n_outputs)

    def forward(self, x, lengths):
        assert x.dtype == torch.int64
        inside = torch.arange(x.shape[1]) < lengths[:, None]
        assert (x[~inside] == 0).all()
        return self.output((self.embedding(x) * inside[..., None]).sum(1) / lengths[:, None])


LENGTHS = RNG.integers(2, 9, 50)
SERIES = [RNG.standard_normal((n, 2)) for n in LENGTHS]
RISES = np.array([int(series[:, 0].sum() > 0) for series in SERIES])
TEXTS = [RNG.integers(0, 20, n) for n in LENGTHS]
TOPICS = np.array([int((text < 7).mean() > 0.3) for text in TEXTS])


@pytest.mark.parametrize(
    ("make", "X", "y", "told"),
    [(Read, SERIES, RISES, (None, 2)), (BagOfWords, TEXTS, TOPICS, (None,))],
)
def test_lists_of_unequal_length_arrive_with_their_lengths(make, X, y, told):
    network = ModuleClassifier(make, batch_size=16, **QUICK).fit(X, y)
    assert network.module_.n_inputs == told
    assert network.n_features_in_ == (told[1] if len(told) > 1 else 1)
    assert network.score(X, y) > 0.9
    alone = np.concatenate([network.predict_proba([row]) for row in X])
    np.testing.assert_allclose(network.predict_proba(X), alone, rtol=1e-5)
    longer = np.concatenate([X[0]] * 20)
    both = network.predict_proba([longer, X[1]])
    np.testing.assert_allclose(both[:1], network.predict_proba(longer[None]), rtol=1e-5)
    assert network.predict(pd.Series(X)).shape == (50,)
    assert cross_val_score(network, X, y, cv=2, error_score="raise").shape == (2,)
    check_copies(network, X, y)


def test_array_of_equal_lengths_is_the_same_as_its_list():
    X = np.stack([series[:2] for series in SERIES])
    networks = [
        ModuleClassifier(Read, max_iter=3, random_state=0).fit(Z, RISES) for Z in (X, list(X))
    ]
    assert networks[0].module_.n_inputs == (2, 2)
    np.testing.assert_array_equal(networks[0].predict_proba(X), networks[1].predict_proba(X))
    assert networks[0].predict(SERIES).shape == (50,)
    assert networks[0].predict(np.zeros((3, 7, 2))).shape == (3,)
    with pytest.raises(ValueError, match=r"rows of shape \(7, 3\)"):
        networks[0].predict(np.zeros((3, 7, 3)))


def test_table_of_tokens_may_be_longer_later():
    X = np.stack([text[:2] for text in TEXTS])
    network = ModuleClassifier(BagOfWords, max_iter=2, random_state=0).fit(X, TOPICS)
    assert network.module_.n_inputs == 2
    assert network.predict(RNG.integers(0, 20, (5, 9))).shape == (5,)
    assert network.predict(TEXTS).shape == (50,)


def test_module_that_is_not_told_lengths_is_given_none_of_unequal_length():
    def make(n_inputs, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(n_outputs))

    with pytest.raises(ValueError, match="X holds sequences of unequal length.*`lengths`"):
        ModuleClassifier(make).fit(SERIES, RISES)
    network = ModuleClassifier(make, max_iter=1).fit(np.zeros((50, 4, 2)), RISES)
    with pytest.raises(ValueError, match="X holds sequences of unequal length.*`lengths`"):
        network.predict(SERIES)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([np.ones((3, 2)), np.array([[1.0, np.nan]])], "X contains NaN"),
        ([np.ones((3, 2)), np.ones((0, 2))], r"X\[1\] is an empty sequence"),
        ([np.ones((3, 2)), np.ones((4, 3))], r"X\[1\] has 3 features"),
        ([np.array([["a", "b"]]), np.array([["c", "d"]] * 2)], "X must hold arrays of numbers"),
        (np.ones((4, 2)), r"rows of shape \(2,\)"),
    ],
)
def test_sequences_of_another_kind_are_refused(X, words):
    network = ModuleClassifier(Read, max_iter=1).fit(SERIES, RISES)
    with pytest.raises(ValueError, match=words):
        network.predict(X)


def test_padding_is_never_a_number_of_the_users():
    """-1 at the end of a sequence is a number like others."""

    class Summed(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n_outputs))

        def forward(self, x, lengths):
            Summed.seen = x.sum(1).tolist(), lengths.tolist()
            return x.sum(1, keepdim=True) * self.weight

    X = [np.array([5, -1]), np.array([3, 0, -1]), np.array([0])]
    network = ModuleRegressor(Summed, max_iter=1, shuffle=False).fit(X, [1.0, 2.0, 3.0])
    network.predict(X)
    assert Summed.seen == ([2, 4, 0], [3, 2, 1])  # the longest first


# --- drawn ---------------------------------------------------------------------------------------------


class Anything(nn.Module):
    """Takes rows of any shape, of whole numbers or not."""

    def __init__(self, n_inputs, n_outputs, embeds=False):
        super().__init__()
        self.embedding = nn.Embedding(8, 2) if embeds else None
        self.output = nn.LazyLinear(n_outputs)

    def forward(self, x):
        return self.output((x if self.embedding is None else self.embedding(x)).flatten(1))


@st.composite
def tables(draw):
    n, axes = draw(st.integers(2, 9)), draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    dtype = draw(
        st.sampled_from(
            ["int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "bool"]
        )
    )
    low = 0 if dtype.startswith(("u", "b")) else -3
    scale = draw(st.sampled_from([1, 1, 1, 0.5, 1e30]))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(low, 8, (n, *axes))
    if np.dtype(dtype).kind == "f":
        largest = 1e3 if dtype == "float16" else 1e30  # whose sums are finite
        X = np.clip(values * scale, -largest, largest).astype(dtype)
    else:
        X = values.astype(dtype)
    if X.dtype.kind == "f" and draw(st.booleans()):
        X.flat[draw(st.integers(0, X.size - 1))] = draw(st.sampled_from([np.nan, np.inf]))
    shape = draw(st.sampled_from(["array", "list", "column-major", "objects", "negative strides"]))
    if shape == "list":
        return X.tolist()
    if shape == "objects":
        rows = np.empty(n, dtype=object)
        rows[:] = list(X)
        return rows
    return {"column-major": np.asfortranarray(X), "negative strides": X[::-1]}.get(shape, X)


@pytest.mark.slow
@drawn(200)
@given(X=tables(), embeds=st.booleans(), second=tables())
def test_drawn_arrays_give_numbers_or_words(X, embeds, second):
    network = ModuleRegressor(Anything, {"embeds": embeds}, max_iter=2, random_state=0)
    y = np.linspace(-1, 1, len(X))
    fitted = result_or_words(lambda: network.fit(X, y), network)
    if fitted is None:
        return
    predicted = result_or_words(lambda: fitted.predict(X), network)
    assert predicted is not None
    assert np.isfinite(predicted).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), predicted)
    other = result_or_words(lambda: fitted.predict(second), network)
    assert other is None or np.isfinite(other).all()


@st.composite
def ragged(draw):
    width = draw(st.sampled_from([None, 1, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(["int64", "uint8", "float32", "float64"]))
    lengths = draw(st.lists(st.integers(1, 5), min_size=3, max_size=8))
    shape = () if width is None else (width,)
    return [rng.integers(0, 8, (n, *shape)).astype(dtype) for n in lengths]


class Pooled(nn.Module):
    """The mean over what is there, of embeddings or numbers."""

    def __init__(self, n_inputs, n_outputs, embeds=False):
        super().__init__()
        self.embedding = nn.Embedding(8, 2) if embeds else None
        self.output = nn.LazyLinear(n_outputs)

    def forward(self, x, lengths):
        values = x if self.embedding is None else self.embedding(x)
        values = values.reshape(*x.shape[:2], -1)
        inside = (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
        return self.output((values * inside).sum(1) / lengths[:, None])


@pytest.mark.slow
@drawn(100)
@given(X=ragged(), embeds=st.booleans())
def test_drawn_sequences_are_predicted_as_each_alone(X, embeds):
    network = ModuleRegressor(Pooled, {"embeds": embeds}, max_iter=2, batch_size=3, random_state=0)
    y = np.linspace(-1, 1, len(X))
    fitted = result_or_words(lambda: network.fit(X, y), network)
    assume(fitted is not None)
    alone = np.concatenate([fitted.predict([row]) for row in X])
    np.testing.assert_allclose(fitted.predict(X), alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(copy.deepcopy(fitted).predict(X), fitted.predict(X))
