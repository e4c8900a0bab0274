"""Matplotlib where it is installed, and what to do where it is not; and how pictures of images look."""

from sknets._extras import needed


def import_pyplot(who):
    """Import matplotlib.pyplot.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    with needed(who, "matplotlib", "plot"):
        import matplotlib.pyplot as plt
    return plt


def check_axes(ax, projection=None):
    """Raise TypeError if `ax` is neither None nor axes of matplotlib of that projection."""
    from matplotlib.axes import Axes

    if ax is None or (isinstance(ax, Axes) and (ax.name == "3d") == (projection == "3d")):
        return
    kind = "axes in three dimensions (projection='3d')" if projection else "plain axes"
    raise TypeError(f"ax must be {kind} of matplotlib or None, got {type(ax).__name__}.")


def make_grid(who, n_rows, n_columns, ax, size=1.3, hspace=0.04):
    """Return a figure and an array (n_rows, n_columns) of axes in it, or in the place of one axes."""
    plt = import_pyplot(who)
    if ax is None:
        figure = plt.figure(figsize=(size * n_columns, size * n_rows + 0.4), layout="constrained")
        place = figure.add_gridspec(n_rows, n_columns)
    else:
        figure = ax.figure
        ax.set_axis_off()
        place = ax.get_subplotspec()
        if place is None:
            raise ValueError(
                "ax must be one that subplots or add_subplot made, so that it can be divided."
            )
        place = place.subgridspec(n_rows, n_columns, wspace=0.05, hspace=hspace)
    return figure, place.subplots(squeeze=False)


def bare(ax):
    """Remove ticks and frame."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
