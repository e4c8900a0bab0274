"""Pictures of how gradients vanish or explode over time."""

import numpy as np

from sknets.inspection._gradient_flow import gradient_flow
from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import last_step

_LOWEST, _HIGHEST = 1e-250, 1e250  # of an axis; with its margins it must not leave the floats


class GradientFlowDisplay:
    """How strongly the last state of a recurrent layer depends on states further and further back.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    norms : ndarray of shape (n_sequences, longest)
        Norms of the Jacobians by the gap in timesteps, NaN where a sequence is shorter.
    bound : ndarray of shape (longest,), default=None
        What no norm exceeds.
    label : str, default=None
        Name of the layer or network.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the curve.
    figure_ : matplotlib.figure.Figure
        Its figure.
    line_ : matplotlib.lines.Line2D
        The median over the sequences.
    band_ : matplotlib.collections.PolyCollection
        From the 10th to the 90th percentile.
    bound_line_ : matplotlib.lines.Line2D or None
        The bound, where it is drawn.

    See Also
    --------
    gradient_flow : What is drawn, as numbers.

    Notes
    -----
    At a large gap only the sequences count that are so long. The axis is logarithmic:
    a curve that falls to 0, or below 1e-250, leaves it at the bottom. A bound that grows faster than all
    curves leaves it at the top.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import RNNRegressor
    >>> from sknets.inspection import GradientFlowDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 20, 2))
    >>> y = X[:, 0, 0]
    >>> ax = None
    >>> for cell in ("rnn", "lstm"):
    ...     network = RNNRegressor(cell=cell, max_iter=5, random_state=0).fit(X, y)
    ...     ax = GradientFlowDisplay.from_estimator(network, X, ax=ax).ax_
    >>> ax.get_legend_handles_labels()[1]
    ['rnn', 'bound of rnn', 'lstm']
    """

    def __init__(self, norms, *, bound=None, label=None):
        self.norms = norms
        self.bound = bound
        self.label = label

    @classmethod
    def from_estimator(cls, estimator, X, *, label=None, layer=-1, show_bound=True, ax=None):
        """Draw the norms of a fitted network on some sequences.

        Parameters
        ----------
        estimator : estimator
            A fitted RNNClassifier or RNNRegressor with ``bidirectional=False``, or a pipeline, search or
            FrozenEstimator with one.
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
            Sequences, as the estimator takes them.
        label : str, default=None
            Name in the legend; None is the cell.
        layer : int, default=-1
            Number of the recurrent layer, from 0; -1 is the last one.
        show_bound : bool, default=True
            Whether the bound is drawn where there is one: for the cells 'rnn' and 'rnn_relu'.
        ax : matplotlib.axes.Axes, default=None
            Where to draw, beside what it has; None makes a figure.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator is no recurrent network.
        ValueError
            If the network is bidirectional, or has no such layer.
        """
        flow = gradient_flow(estimator, X, layer=layer)
        label = last_step(estimator)[0].cell if label is None else label
        display = cls(flow.norms, bound=flow.bound, label=label)
        return display.plot(ax, show_bound=show_bound)

    def plot(self, ax=None, *, label=None, show_bound=True):
        """Draw the norms.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw, beside what it has; None makes a figure.
        label : str, default=None
            Name in the legend; None is that of the display.
        show_bound : bool, default=True
            Whether the bound is drawn where there is one.

        Returns
        -------
        GradientFlowDisplay
        """
        plt = import_pyplot("GradientFlowDisplay")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        ax.set_yscale("log")
        label = self.label if label is None else label
        norms = np.asarray(self.norms)
        gaps = np.arange(norms.shape[1])
        with np.errstate(invalid="ignore"):  # between infinite norms
            low, middle, high = np.nanquantile(norms, [0.1, 0.5, 0.9], axis=0)
        marker = "o" if len(gaps) == 1 else None  # a line of one point is not seen
        low, middle, high = map(_drawable, (low, middle, high))
        (self.line_,) = ax.plot(gaps, middle, label=label, marker=marker)
        color = self.line_.get_color()
        self.band_ = ax.fill_between(gaps, low, high, color=color, alpha=0.2, linewidth=0)
        self.bound_line_ = None
        if show_bound and self.bound is not None:
            name = "bound" if label is None else f"bound of {label}"
            self.bound_line_ = plt.Line2D(
                gaps, self.bound, color=color, linestyle="--", linewidth=1, label=name
            )
            ax.add_artist(self.bound_line_)  # and leave the limits to the curves
        ax.set(xlabel="gap T − t (timesteps)", ylabel=r"$\Vert\partial h_T/\partial s_t\Vert_2$")
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _drawable(values):
    values = np.where(values < _LOWEST, 0.0, values)
    return np.where(values > _HIGHEST, np.inf, values)
