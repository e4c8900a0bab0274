"""Texts as tokens: against CountVectorizer, and what becomes of the odd ones."""

import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_param_validation, estimator_checks_generator

from sknets.datasets import load_hitters, load_nyse
from sknets.preprocessing import TokenSequences

# real sentences with repeated words: those that describe the data sets
LINES = [
    (line, load is load_nyse)
    for load in (load_hitters, load_nyse)
    for line in load().DESCR.splitlines()
    if line.strip("-")
]
TEXTS, ABOUT_STOCKS = (list(column) for column in zip(*LINES, strict=True))
SMALL = ["b a c a", "a b d", "", "e e"]  # a 3, b 2, e 2, c 1, d 1


def small(**params):
    return TokenSequences(token_pattern=r"\w", **params)


def test_checks_that_apply():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most checks need numbers, and say that they are left out
        for estimator, check in estimator_checks_generator(TokenSequences()):
            check(estimator)
    check_param_validation("TokenSequences", TokenSequences())


# --- the vocabulary ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"min_df": 2},
        {"min_df": 0.1, "max_df": 0.5},
        {"max_df": 4},
        {"max_features": 10},
        {"max_features": 1000},
        {"stop_words": "english"},
        {"stop_words": ["the", "of"], "min_df": 2, "max_features": 5},
        {"lowercase": False},
        {"token_pattern": r"[A-Z]\w*", "lowercase": False},
        {"tokenizer": str.split, "token_pattern": None},
        {"preprocessor": str.upper},
        {"strip_accents": "unicode"},
        {"analyzer": "char", "max_features": 20},
        {"analyzer": str.split},
        {"vocabulary": ["the", "of", "trading"]},
        # in an order of its own in each process, which must agree on the name of the test
        pytest.param({"vocabulary": {"the", "of", "trading"}}, id="vocabulary as a set"),
    ],
    ids=str,
)
def test_counts_equal_those_of_scikit_learn(params):
    counter = CountVectorizer(**params)
    counts = counter.fit_transform(TEXTS).toarray()
    tokens = TokenSequences(**params)
    sequences = tokens.fit_transform(TEXTS)
    assert set(tokens.vocabulary_) == set(counter.vocabulary_)
    assert list(tokens.vocabulary_.values()) == list(range(1, tokens.n_tokens_))
    for word, number in tokens.vocabulary_.items():
        ours = (sequences == number).sum(axis=1)
        np.testing.assert_array_equal(ours, counts[:, counter.vocabulary_[word]])
    if "vocabulary" not in params:
        total = {word: counts[:, column].sum() for word, column in counter.vocabulary_.items()}
        assert list(tokens.vocabulary_) == sorted(total, key=lambda word: (-total[word], word))


def test_fixed_vocabulary_keeps_its_numbers():
    learned = small().fit(SMALL).vocabulary_
    assert learned == {"a": 1, "b": 2, "e": 3, "c": 4, "d": 5}
    for vocabulary in (learned, dict(reversed(learned.items())), "abecd", list(learned)):
        other = small(vocabulary=vocabulary).fit(["e d d"])
        assert list(other.vocabulary_.items()) == list(learned.items())
        assert other.n_tokens_ == 6


# --- the sequences -------------------------------------------------------------------------------

SEQUENCES = [[2, 1, 4, 1], [1, 2, 5], [0], [3, 3]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, SEQUENCES),
        ({"max_length": 9}, SEQUENCES),
        ({"max_length": 2}, [[2, 1], [1, 2], [0], [3, 3]]),
        ({"max_length": 2, "truncate": "start"}, [[4, 1], [2, 5], [0], [3, 3]]),
        ({"max_length": 1, "truncate": "start"}, [[1], [5], [0], [3]]),
        ({"max_features": 2}, [[2, 1, 0, 1], [1, 2, 0], [0], [0, 0]]),
        ({"stop_words": ["a"]}, [[1, 3], [1, 4], [0], [2, 2]]),
    ],
    ids=str,
)
def test_order_length_and_padding(params, expected):
    padded = small(**params).fit_transform(SMALL)
    longest = max(map(len, expected))
    filled = [row + [-1] * (longest - len(row)) for row in expected]
    np.testing.assert_array_equal(padded, filled)
    ragged = small(**params, padding=False).fit_transform(SMALL)
    assert [row.tolist() for row in ragged] == expected
    assert padded.dtype == ragged[0].dtype == np.int64


def test_ragged_sequences_of_one_length_stay_an_array_of_objects():
    ragged = small(padding=False).fit_transform(["a b", "b a"])
    assert ragged.dtype == object
    assert ragged.shape == (2,)


def test_new_texts_have_their_own_length_and_unknown_words():
    tokens = small().fit(SMALL)
    np.testing.assert_array_equal(tokens.transform(["x a", "?"]), [[0, 1], [0, -1]])
    np.testing.assert_array_equal(tokens.fit_transform(SMALL), tokens.transform(SMALL))


@pytest.mark.parametrize("padding", [True, False])
def test_inverse_gives_the_words_back(padding):
    tokens = small(padding=padding, min_df=2).fit(SMALL)  # a and b
    words = tokens.inverse_transform(tokens.transform(SMALL))
    unknown = "<unknown>"
    assert words == [["b", "a", unknown, "a"], ["a", "b", unknown], [unknown], [unknown, unknown]]
    assert tokens.inverse_transform([[], [2, -1]]) == [[], ["b"]]


# --- what X may be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        tuple(SMALL),
        np.array(SMALL),
        np.array(SMALL, dtype=object),
        pd.Series(SMALL, index=[3, 1, 2, 0]),
        pd.Series(SMALL, dtype="category"),
        [text.encode() for text in SMALL],
    ],
    ids=["tuple", "array", "objects", "series", "categories", "bytes"],
)
def test_kinds_of_sequences(texts):
    np.testing.assert_array_equal(small().fit_transform(texts), small().fit_transform(SMALL))


def test_files_are_read_once(tmp_path):
    expected = small().fit_transform(SMALL)
    files = [io.StringIO(text) for text in SMALL]
    np.testing.assert_array_equal(small(input="file").fit_transform(files), expected)
    paths = [tmp_path / str(row) for row in range(len(SMALL))]
    for path, text in zip(paths, SMALL, strict=True):
        path.write_text(text, "utf-16")
    tokens = small(input="filename", encoding="utf-16").fit(paths)
    np.testing.assert_array_equal(tokens.transform(paths), expected)


def test_texts_may_be_split_already():
    tokens = TokenSequences(analyzer=list).fit([["New York", "is"], ["is"]])
    assert tokens.vocabulary_ == {"is": 1, "New York": 2}


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("a b", ValueError, "X is a single text, 'a b'"),
        (["a", None], ValueError, r"X\[1\] is missing: it is None"),
        (pd.Series(["a", "b", None, None]), ValueError, r"X\[2\] is missing.*first of 2"),
        ([np.nan, "a"], ValueError, r"X\[0\] is missing"),
        (["a", 5], TypeError, r"X\[1\]=5 must be a text, got int"),
        ([["a"]], TypeError, r"X\[0\]=\['a'\] must be a text, got list"),
        (pd.DataFrame({"a": ["a"]}), ValueError, r"X has shape \(1, 1\)"),
        ([], ValueError, "X has no texts"),
    ],
    ids=["one text", "None", "series", "NaN", "number", "list", "frame", "empty"],
)
def test_what_is_no_text_is_refused(texts, error, message):
    for tokens in (small(), small().fit(SMALL)):
        with pytest.raises(error, match=message):
            (tokens.transform if hasattr(tokens, "vocabulary_") else tokens.fit)(texts)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_length": 0}, "max_length=0 must be"),
        ({"truncate": "middle"}, "truncate='middle' must be"),
        ({"analyzer": "char_wb"}, "analyzer='char_wb' must be"),
        ({"analyzer": "char", "stop_words": ["a"]}, "stop_words=.* has no effect with analyzer"),
        ({"analyzer": str.split, "strip_accents": "ascii"}, "strip_accents='ascii' has no effect"),
        ({"token_pattern": None}, "token_pattern=None needs a tokenizer"),
        ({"vocabulary": {"a": 0, "b": 1}}, "vocabulary must map its 2 words to the numbers 1 to 2"),
        ({"vocabulary": ["a", "a"]}, "Duplicate term in vocabulary"),
        ({"vocabulary": []}, "empty vocabulary"),
        ({"min_df": 1.0}, "After pruning, no terms remain"),
    ],
    ids=str,
)
def test_bad_value_is_named(params, message):
    with pytest.raises(ValueError, match=message):
        TokenSequences(**params).fit(TEXTS)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([[1], [1, 6]], r"X\[1\] contains 6; tokens are 0 to 5"),
        ([[-2]], r"X\[0\] contains -2"),
        ([[0.5]], r"X\[0\].* must be a sequence of integers"),
        ([1, 2], r"X\[0\].* must be a sequence of integers"),
    ],
)
def test_what_is_no_token_is_refused(sequences, message):
    with pytest.raises(ValueError, match=message):
        small().fit(SMALL).inverse_transform(sequences)


# --- as scikit-learn's transformers --------------------------------------------------------------


def test_not_fitted():
    for method in (TokenSequences().transform, TokenSequences().inverse_transform):
        with pytest.raises(NotFittedError):
            method(SMALL)


def count_tokens(sequences):
    return np.stack([(sequences == token).sum(axis=1) for token in range(1, 51)], axis=1)


def test_pipeline_can_be_searched_cloned_and_pickled():
    counts = make_pipeline(TokenSequences(), FunctionTransformer(count_tokens))
    searches = [
        GridSearchCV(
            Pipeline([("counts", transformer), ("classifier", LogisticRegression())]),
            {name: [1, 10, 50]},
            cv=3,
        ).fit(pd.Series(TEXTS), ABOUT_STOCKS)
        for transformer, name in [
            (counts, "counts__tokensequences__max_features"),
            (CountVectorizer(), "counts__max_features"),
        ]
    ]
    ours, theirs = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_allclose(ours, theirs)
    best = searches[0].best_estimator_
    for same in (pickle.loads(pickle.dumps(best)), clone(best).fit(TEXTS, ABOUT_STOCKS)):
        np.testing.assert_array_equal(same.predict(TEXTS), best.predict(TEXTS))
