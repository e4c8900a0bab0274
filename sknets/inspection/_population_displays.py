"""Pictures of a population: who is how good, who counts, and how they have learned."""

import numbers

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import last_step

_CHOSEN, _OTHERS = "#d1603d", "#c9d2d8"


class LeaderboardDisplay:
    """The candidates of a population by their score, with what each counts in the ensemble.

    Make it with `from_estimator`; the constructor takes the frame itself.

    Parameters
    ----------
    leaderboard : pandas.DataFrame
        As `leaderboard_` of `TabularRegressor` and `TabularClassifier`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    points_ : matplotlib.collections.PathCollection
        The candidates, the best one on top; the area of a point is the weight.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknets import TabularRegressor
    >>> from sknets.inspection import LeaderboardDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TabularRegressor(n_candidates=3, random_state=0).fit(X, y)
    >>> LeaderboardDisplay.from_estimator(model).ax_.get_xlabel()
    'score on rows that were held out'
    """

    def __init__(self, leaderboard):
        self.leaderboard = leaderboard

    @classmethod
    def from_estimator(cls, estimator, *, most=20, ax=None):
        """Draw the leaderboard of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `TabularRegressor` or `TabularClassifier`, or a pipeline or search with one.
        most : int, default=20
            How many candidates are drawn, from the best one on.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LeaderboardDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator has no population.
        NotFittedError
            If it is not fitted.
        """
        return cls(_population(estimator).leaderboard_).plot(most=most, ax=ax)

    def plot(self, *, most=20, ax=None):
        """Draw the leaderboard.

        Parameters
        ----------
        most : int, default=20
            How many candidates are drawn, from the best one on.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LeaderboardDisplay

        Raises
        ------
        ValueError
            If `most` is no whole number, or below 1.
        """
        if not isinstance(most, numbers.Integral) or most < 1:
            raise ValueError(f"most must be a whole number of at least 1, got {most!r}.")
        board = self.leaderboard.iloc[:most]
        if ax is None:
            size = 7.0, 1.2 + 0.28 * len(board)
            _, ax = import_pyplot(type(self).__name__).subplots(figsize=size, layout="constrained")
        places, weight = np.arange(len(board)), board["weight"].to_numpy()
        is_chosen = weight > 0
        ax.hlines(places, board["score"].min(), board["score"], color=_OTHERS)
        area = 16.0 + 180.0 * weight / (weight.max() or 1.0)
        ink = np.where(is_chosen, _CHOSEN, _OTHERS)
        self.points_ = ax.scatter(board["score"], places, s=area, c=ink, zorder=2)
        ax.set_yticks(places, [_describe(row) for _, row in board.iterrows()])
        ax.invert_yaxis()
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel("score on rows that were held out")
        ax.set_title("candidates; the area is the weight in the ensemble", fontsize=10)
        return _framed(self, ax)


class PopulationDisplay:
    """How the candidates of a population have learned: the loss of rows held out, by the epoch.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    losses : list of ndarray of shape (n_epochs,)
        For each candidate its loss after each epoch, in the mean over folds; where one has stopped,
        its lowest loss counts from there on.
    weights : ndarray of shape (n_candidates,)
        What each counts in the ensemble; those above zero are marked.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    lines_ : list of matplotlib.lines.Line2D
        The curve of each candidate.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknets import TabularRegressor
    >>> from sknets.inspection import PopulationDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TabularRegressor(n_candidates=3, random_state=0).fit(X, y)
    >>> len(PopulationDisplay.from_estimator(model).lines_)
    3
    """

    def __init__(self, losses, weights):
        self.losses = losses
        self.weights = weights

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, log=True):
        """Draw how the candidates of a fitted estimator have learned.

        Parameters
        ----------
        estimator : estimator
            A fitted `TabularRegressor` or `TabularClassifier`, or a pipeline or search with one.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        log : bool, default=True
            Whether the axis of the loss is logarithmic.

        Returns
        -------
        PopulationDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator has no population.
        NotFittedError
            If it is not fitted.
        """
        population = _population(estimator)
        losses = [_mean_over_folds(members) for members in population.members_]
        weights = population.leaderboard_["weight"].sort_index().to_numpy()
        return cls(losses, weights).plot(ax=ax, log=log)

    def plot(self, *, ax=None, log=True):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        log : bool, default=True
            Whether the axis of the loss is logarithmic.

        Returns
        -------
        PopulationDisplay
        """
        if ax is None:
            _, ax = import_pyplot(type(self).__name__).subplots(layout="constrained")
        self.lines_ = []
        for losses, weight in zip(self.losses, self.weights, strict=True):
            color, order = (_CHOSEN, 3) if weight > 0 else (_OTHERS, 2)
            width = 0.8 + 2.4 * weight / (max(self.weights) or 1.0)
            epochs, best = np.arange(1, len(losses) + 1), int(np.argmin(losses))
            (line,) = ax.plot(epochs, losses, color=color, linewidth=width, zorder=order)
            ax.plot(epochs[best], losses[best], "o", color=color, markersize=4, zorder=order)
            self.lines_.append(line)
        ax.set(xlabel="epoch", ylabel="loss of rows that were held out")
        if log:
            ax.set_yscale("log")
        ax.set_title("candidates; those that count in colour, the best epoch marked", fontsize=10)
        return _framed(self, ax)


def _mean_over_folds(members):
    """Return the mean loss after each epoch; a network that has stopped keeps its lowest."""
    losses = [np.array(member.history_["validation_loss"]) for member in members]
    longest = max(map(len, losses))
    padded = [np.pad(of, (0, longest - len(of)), constant_values=np.nanmin(of)) for of in losses]
    return np.mean(padded, axis=0)


def _framed(display, ax):
    ax.spines[["top", "right"]].set_visible(False)
    display.ax_, display.figure_ = ax, ax.figure
    return display


def _population(estimator):
    """Return the fitted population in an estimator."""
    found, _ = last_step(estimator)
    if not hasattr(type(found), "members_"):
        raise TypeError(
            "estimator must be a fitted TabularRegressor or TabularClassifier, or a pipeline or search "
            f"with one, got {type(found).__name__}."
        )
    check_is_fitted(found)
    return found


def _describe(row):
    """Return what a candidate is, in a few words."""
    sizes = row["hidden_layer_sizes"]
    words = " × ".join(map(str, sizes)) if len(sizes) else "linear"
    embedding = row.get("numeric_embedding")
    return f"{words}, {embedding.replace('_', ' ')}" if isinstance(embedding, str) else words
