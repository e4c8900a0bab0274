"""What a network whose X is read in pieces cannot do, by name."""

from sknets import training
from sknets.inputs import in_pieces


def check_pieces(estimator, rows):
    """Raise ValueError if parameters ask for all rows at once, and rows are read in pieces."""
    if not in_pieces(rows):
        return
    what = (
        f"X ({rows.source}) is read in pieces" if hasattr(rows, "source") else "X is read in pieces"
    )
    solver, batch_size = estimator.solver, estimator.batch_size
    if training.SOLVERS[solver].takes_all_rows:
        raise ValueError(
            f"solver={solver!r} looks at all rows in each step, but {what}; use a solver of mini-batches "
            "such as 'adam' or 'sgd', or raise the memory of the rows."
        )
    if estimator.batch_growth != 1:
        raise ValueError(
            f"batch_growth={estimator.batch_growth!r} lets batches grow up to all rows, but {what}; set "
            "batch_growth=1."
        )
    if batch_size != "auto" and batch_size > rows.rows_at_once:
        raise ValueError(
            f"batch_size={batch_size} is more than the {rows.rows_at_once} rows that a quarter of "
            f"memory={rows.memory:g} MiB holds, but {what}. Lower batch_size, or raise memory."
        )
    pretrain = getattr(estimator, "pretrain", None)
    if pretrain is not None:
        raise ValueError(
            f"pretrain={pretrain!r} learns from all rows at once, but {what}; set pretrain=None."
        )
