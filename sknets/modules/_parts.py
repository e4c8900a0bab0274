"""Random numbers for some rows of a batch, whose other rows are computed elsewhere.

Where a batch is shared out among processes, each draws for all of its rows and takes its own: generators
stay alike, and every row has what it would have had in one process. A layer that draws row by row says so
by its attribute `part`, None or ``(start, stop, n_rows)``.
"""


def draw_rows(draw, shape, part):
    """Return what is drawn for rows.

    Parameters
    ----------
    draw : callable
        ``draw(shape)`` draws a tensor.
    shape : tuple of int
        The rows at hand, and the shape of each.
    part : tuple of int or None
        Which rows of the batch they are, and how many it has in all; None where they are all.
    """
    if part is None:
        return draw(shape)
    start, stop, n_rows = part
    return draw((n_rows, *shape[1:]))[start:stop]
