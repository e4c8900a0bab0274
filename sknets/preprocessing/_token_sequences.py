"""Texts as sequences of integer tokens."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils.validation import check_is_fitted

from sknets._version import Versioned

_UNKNOWN = 0
_PADDING = -1

_OF_THE_ANALYSIS = (
    "input",
    "encoding",
    "decode_error",
    "strip_accents",
    "lowercase",
    "preprocessor",
    "tokenizer",
    "stop_words",
    "token_pattern",
    "analyzer",
)
_OF_THE_LIMITS = ("max_df", "min_df", "max_features")

#: What scikit-learn's analysis ignores where it does not split into words, or is the user's own.
_ONLY_FOR_WORDS = ("tokenizer", "stop_words")
_NOT_FOR_CALLABLES = (*_ONLY_FOR_WORDS, "preprocessor", "strip_accents")


class TokenSequences(Versioned, TransformerMixin, BaseEstimator):
    r"""Convert texts to sequences of integer tokens.

    The words of the vocabulary have the numbers 1, 2, ... by falling frequency, ties in alphabetical
    order; all other words are 0, the unknown token. Texts are split, and the vocabulary is limited, by
    scikit-learn's :class:`~sklearn.feature_extraction.text.CountVectorizer`, whose parameters these are.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        Whether X holds texts (str or bytes), names of files, or objects with a method `read`.
    encoding : str, default="utf-8"
        Encoding of bytes and files.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What happens to bytes that are not of the encoding.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How accents are removed: "ascii" is fast and knows letters with an ASCII form only.
    lowercase : bool, default=True
        Whether letters become lowercase before texts are split.
    preprocessor : callable or None, default=None
        Takes the place of `strip_accents` and `lowercase`: from a text to a text.
    tokenizer : callable or None, default=None
        Takes the place of `token_pattern`: from a text to a list of tokens.
    stop_words : {"english"}, list of str or None, default=None
        Words to leave out; they do not even become unknown tokens.
    token_pattern : str or None, default=r"(?u)\b\w\w+\b"
        Regular expression of a token. The default finds words of at least two letters or digits.
    analyzer : {"word", "char"} or callable, default="word"
        Whether tokens are words or characters. A callable goes all the way from a text to its tokens.
    max_df : float or int, default=1.0
        Words in more texts are unknown: a float is a share of the texts, an int a number of them.
    min_df : float or int, default=1
        Words in fewer texts are unknown: a float is a share of the texts, an int a number of them.
    max_features : int or None, default=None
        Largest size of the vocabulary; it keeps the most frequent words.
    vocabulary : mapping, iterable of str or None, default=None
        The words, in the order of their numbers, or a mapping from words to 1, 2, ... such as another
        `vocabulary_`. None learns them from X; only then do the limits above matter.
    max_length : int or None, default=None
        Longest length of a sequence in tokens. What exceeds it is cut off.
    truncate : {"end", "start"}, default="end"
        Which end of a longer text is cut off: "start" keeps its last words.
    padding : bool, default=True
        Whether sequences are filled up to one length with -1, so that they make an array.

    Attributes
    ----------
    vocabulary_ : dict
        The number of each word, from 1, in the order of the numbers.
    n_tokens_ : int
        Number of different tokens, the unknown one included: what an embedding needs, as in
        ``RNNClassifier(vocabulary_size=...)``.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : How often each word occurs, without their order.
    sklearn.feature_extraction.text.TfidfVectorizer : The same, weighted.

    Examples
    --------
    >>> from sknets.preprocessing import TokenSequences
    >>> texts = ["A film to see, and to see again!", "Not a film to see"]
    >>> tokens = TokenSequences()
    >>> tokens.fit_transform(texts)
    array([[ 3,  2,  1,  5,  2,  1,  4],
           [ 6,  3,  2,  1, -1, -1, -1]])
    >>> tokens.vocabulary_
    {'see': 1, 'to': 2, 'film': 3, 'again': 4, 'and': 5, 'not': 6}
    >>> tokens.inverse_transform(tokens.transform(["See the film"]))
    [['see', '<unknown>', 'film']]
    """

    _parameter_constraints: dict = {
        **{
            name: CountVectorizer._parameter_constraints[name]
            for name in (*_OF_THE_ANALYSIS, *_OF_THE_LIMITS, "vocabulary")
        },
        "analyzer": [str, callable],
        "max_length": [Integral, None],
        "truncate": [str],
        "padding": ["boolean"],
    }

    def __init__(
        self,
        *,
        input="content",
        encoding="utf-8",
        decode_error="strict",
        strip_accents=None,
        lowercase=True,
        preprocessor=None,
        tokenizer=None,
        stop_words=None,
        token_pattern=r"(?u)\b\w\w+\b",
        analyzer="word",
        max_df=1.0,
        min_df=1,
        max_features=None,
        vocabulary=None,
        max_length=None,
        truncate="end",
        padding=True,
    ):
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.stop_words = stop_words
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.truncate = truncate
        self.padding = padding

    def fit(self, X, y=None):
        """Learn the vocabulary.

        Parameters
        ----------
        X : array-like of str of shape (n_texts,)
            The texts: a list, an array or a pandas Series.
        y : None
            Ignored.

        Returns
        -------
        TokenSequences
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid, X is no sequence of texts or misses one, or no word remains.
        TypeError
            If X holds something else than texts.
        """
        self._learn(self._split(X))
        return self

    def transform(self, X):
        """Return the tokens of texts.

        Parameters
        ----------
        X : array-like of str of shape (n_texts,)
            The texts.

        Returns
        -------
        ndarray of shape (n_texts, n_longest) or (n_texts,)
            Integers (int64), filled up with -1 to the length of the longest of these texts; with
            ``padding=False`` an object array of one-dimensional arrays. A text without tokens has one
            unknown token.

        Raises
        ------
        ValueError
            If X is no sequence of texts or misses one.
        TypeError
            If X holds something else than texts.
        """
        check_is_fitted(self)
        return self._encode(self._split(X))

    def fit_transform(self, X, y=None):
        """Learn the vocabulary and return the tokens of its texts.

        Each text is read and split once only.

        Parameters
        ----------
        X : array-like of str of shape (n_texts,)
            The texts.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_texts, n_longest) or (n_texts,)
            The tokens, as `transform` returns them.
        """
        texts = self._split(X)
        self._learn(texts)
        return self._encode(texts)

    def inverse_transform(self, X):
        """Return the words of tokens.

        Parameters
        ----------
        X : array-like of int of shape (n_texts, n_longest), or sequence of array-like of int
            The tokens, with or without padding.

        Returns
        -------
        list of list of str
            The words of each text; the unknown token is ``"<unknown>"``.

        Raises
        ------
        ValueError
            If X is no sequence of sequences of integers, or a number is not one of a token.
        """
        check_is_fitted(self)
        words = np.array(["<unknown>", *self.vocabulary_], dtype=object)
        return [words[_read_tokens(X, row, len(words))].tolist() for row in range(len(X))]

    def _split(self, X):
        """Return a list with the words of each text, all of them."""
        self._check_parameters()
        params = {name: getattr(self, name) for name in _OF_THE_ANALYSIS}
        analyze = CountVectorizer(**params).build_analyzer()
        are_strings = self.input == "content" and not (self.preprocessor or callable(self.analyzer))
        return [list(analyze(text)) for text in _read_texts(X, are_strings)]

    def _learn(self, texts):
        vocabulary = self.vocabulary
        if isinstance(vocabulary, Mapping):
            vocabulary = _words_of(vocabulary)
        limits = {name: getattr(self, name) for name in _OF_THE_LIMITS}
        counter = CountVectorizer(  # of texts that are split already
            analyzer=list, lowercase=self.lowercase, vocabulary=vocabulary, **limits
        )
        counts = counter.fit_transform(texts)
        words = counter.get_feature_names_out()
        if vocabulary is None:
            total = np.asarray(counts.sum(axis=0)).ravel()
            words = words[np.argsort(-total, kind="stable")]  # they are in alphabetical order
        self.vocabulary_ = {word: number for number, word in enumerate(words, start=1)}
        self.n_tokens_ = len(self.vocabulary_) + 1

    def _encode(self, texts):
        number_of = self.vocabulary_.get
        sequences = [
            np.array(
                [number_of(word, _UNKNOWN) for word in self._cut(words)] or [_UNKNOWN], np.int64
            )
            for words in texts
        ]
        if self.padding:
            n_longest = max(map(len, sequences))
            tokens = np.full((len(sequences), n_longest), _PADDING, dtype=np.int64)
            for row, sequence in zip(tokens, sequences, strict=True):
                row[: len(sequence)] = sequence
            return tokens
        tokens = np.empty(len(sequences), dtype=object)
        for row, sequence in enumerate(sequences):
            tokens[row] = sequence
        return tokens

    def _cut(self, words):
        if self.max_length is None:
            return words
        return words[: self.max_length] if self.truncate == "end" else words[-self.max_length :]

    def _check_parameters(self):
        """Refuse what is invalid, and what would otherwise be ignored."""
        self._validate_params()
        if self.analyzer not in ("word", "char") and not callable(self.analyzer):
            raise ValueError(f"analyzer={self.analyzer!r} must be 'word', 'char' or a callable.")
        if self.truncate not in ("end", "start"):
            raise ValueError(f"truncate={self.truncate!r} must be 'end' or 'start'.")
        if self.max_length is not None and self.max_length < 1:
            raise ValueError(f"max_length={self.max_length!r} must be None or at least 1.")
        if self.analyzer == "word":
            if self.tokenizer is None and self.token_pattern is None:
                raise ValueError("token_pattern=None needs a tokenizer.")
            return
        for name in _NOT_FOR_CALLABLES if callable(self.analyzer) else _ONLY_FOR_WORDS:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} has no effect with analyzer={self.analyzer!r}; "
                    "leave it at None."
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _read_texts(X, are_strings):
    """Return the texts as a list, all of them there, and strings where that is wanted."""
    if isinstance(X, str | bytes):
        raise ValueError(f"X is a single text, {X[:20]!r}; it must be a sequence, such as [text].")
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has shape {X.shape}; it must have shape (n_texts,), such as one column of a table."
        )
    texts = list(X)
    if not texts:
        raise ValueError("X has no texts; it must have at least 1.")
    is_missing = pd.isna(pd.Series(texts, dtype=object)).to_numpy()
    if is_missing.any():
        first = int(is_missing.argmax())
        raise ValueError(
            f"X[{first}] is missing: it is {texts[first]!r} (the first of {is_missing.sum()}); leave "
            "such texts out, or put '' in their place."
        )
    for position, text in enumerate(texts if are_strings else []):
        if not isinstance(text, str | bytes):
            raise TypeError(f"X[{position}]={text!r} must be a text, got {type(text).__name__}.")
    return texts


def _words_of(vocabulary):
    """Return the words of a mapping in the order of their numbers."""
    n_words = len(vocabulary)
    if sorted(vocabulary.values()) != list(range(1, n_words + 1)):
        raise ValueError(
            f"vocabulary must map its {n_words} words to the numbers 1 to {n_words}, each once, since 0 "
            "is the unknown token; a list of words is numbered in its order."
        )
    return sorted(vocabulary, key=vocabulary.get)


def _read_tokens(X, row, n_tokens):
    """Return the tokens of one text without its padding."""
    tokens = np.asarray(X[row])
    if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
        raise ValueError(f"X[{row}]={X[row]!r} must be a sequence of integers.")
    tokens = tokens[tokens != _PADDING].astype(np.int64)
    for token in tokens[(tokens < 0) | (tokens >= n_tokens)]:
        raise ValueError(
            f"X[{row}] contains {token}; tokens are 0 to {n_tokens - 1}, and {_PADDING} the padding."
        )
    return tokens
