"""Rows of Parquet and Arrow data sets."""

import numpy as np

from sknets._extras import needed
from sknets.datasets._in_pieces import MEMORY, RowsInPieces

_MEBIBYTE = 2**20


class ArrowRows(RowsInPieces):
    """The rows of a Parquet or Arrow data set, and a column of it as y.

    A row group of Parquet, or a record batch of an Arrow file, is decoded as a whole. They come in the
    order of the files' names.

    Parameters
    ----------
    source : path, list of paths, pyarrow.dataset.Dataset or pyarrow.parquet.ParquetFile
        A file, several, or a folder of them; or what pyarrow has opened.
    target : str, default=None
        Name of the column that is y.
    columns : list of str, default=None
        Names of the columns of X; None takes all but `target`. They must hold numbers or booleans.
    format : {"parquet", "ipc"}, default="parquet"
        Format of the files, where `source` are paths.
    memory : float, default=512
        Mebibytes. Rows that fit are read once and are then an array; of others, so many are in memory
        at a time, in up to four parts.

    Attributes
    ----------
    target : ndarray of shape (n_rows,)
        The column that is y, which is read when it is first asked for.

    Raises
    ------
    ImportError
        If pyarrow is missing.
    ValueError
        If a column is missing in a file or holds no numbers, or a row group exceeds a quarter of
        `memory`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from sknets import MLPRegressor
    >>> from sknets.datasets import ArrowRows
    >>> x = np.random.default_rng(0).normal(size=(2, 5000))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pa.table({"a": x[0], "b": x[1], "y": x[0] * x[1]})
    ...     pq.write_table(table, f"{folder}/table.parquet", row_group_size=500)
    ...     rows = ArrowRows(f"{folder}/table.parquet", target="y", memory=0.05)
    ...     model = MLPRegressor(learning_rate="one_cycle", max_iter=3, random_state=0)
    ...     model = model.fit(rows, rows.target)
    >>> rows.columns, rows.shape
    (['a', 'b'], (5000, 2))
    """

    def __init__(self, source, target=None, columns=None, *, format="parquet", memory=MEMORY):
        self._pieces, names = _pieces_of(source, format)
        self.target_column = target
        if columns is None:
            columns = [name for name in names if name != target]
        elif isinstance(columns, str):
            raise ValueError(f"columns={columns!r} must be a list of names.")
        self._columns = list(columns)
        if not self._columns:
            raise ValueError(f"There is no column for X among {names}.")
        if target is not None:
            _check_there(target, "target", self._pieces)
        dtype = _common_type(self._columns, self._pieces)
        sizes = [piece.n_rows for piece in self._pieces]
        starts = np.append(0, np.cumsum(sizes))
        shape = (int(starts[-1]), len(self._columns))
        super().__init__(shape, dtype, np.unique(starts), columns=self._columns, memory=memory)
        self._pieces = [piece for piece in self._pieces if piece.n_rows]
        largest = max(self._pieces, key=lambda piece: piece.n_rows)
        if not self.fits and largest.n_rows > self.rows_at_once:
            size = largest.n_rows * len(self._columns) * dtype.itemsize / _MEBIBYTE
            raise ValueError(
                f"A piece of {largest.name} has {largest.n_rows} rows ({size:.3g} MiB), more than a "
                f"quarter of memory={memory} MiB. Raise memory, or write the file with a "
                f"row_group_size of at most {self.rows_at_once}."
            )
        self._last = None, None

    @property
    def target(self):
        """The column that is y."""
        if self.target_column is None:
            raise ValueError(
                "ArrowRows has no target; name its column: ArrowRows(source, target=...)."
            )
        if not hasattr(self, "_target"):
            parts = [piece.read([self.target_column]).column(0) for piece in self._pieces]
            parts = [part.to_numpy(zero_copy_only=False) for part in parts]
            self._target = np.concatenate(parts)
        return self._target

    def read_sorted(self, positions):
        found = np.empty((len(positions), self.shape[1]), self.dtype)
        start = 0
        while start < len(positions):
            number = int(np.searchsorted(self.starts, positions[start], side="right")) - 1
            stop = int(np.searchsorted(positions, self.starts[number + 1]))
            inside = positions[start:stop] - self.starts[number]
            found[start:stop] = self._block(number)[inside]
            start = stop
        return found

    def _block(self, number):
        """Return a block as an array; the last one is kept, since the next rows are often in it, too."""
        last, values = self._last
        if last != number:
            piece = self._pieces[number]
            table = piece.read(self._columns)
            values = np.empty((table.num_rows, table.num_columns), self.dtype)
            for place, column in enumerate(table.columns):
                values[:, place] = _numbers(column, self._columns[place], piece)
            self._last = number, values
        return values

    def __getstate__(self):
        return vars(self) | {"_last": (None, None)}


class _Piece:
    """What is decoded as a whole: a row group, a record batch, or a file."""

    def __init__(self, name, schema, n_rows, read):
        self.name = name
        self.schema = schema
        self.n_rows = n_rows
        self.read = read


def import_pyarrow(who="ArrowRows"):
    """Return pyarrow with the modules that are needed."""
    with needed(who, "pyarrow", "arrow"):
        import pyarrow
        import pyarrow.dataset
        import pyarrow.parquet
    return pyarrow


def _pieces_of(source, format):
    """Return the pieces of a source, and the names of its columns."""
    pyarrow = import_pyarrow()
    if isinstance(source, pyarrow.parquet.ParquetFile):
        pieces = [
            _Piece(
                "the Parquet file",
                source.schema_arrow,
                source.metadata.row_group(number).num_rows,
                lambda columns, number=number: source.read_row_group(number, columns=columns),
            )
            for number in range(source.num_row_groups)
        ]
        return pieces, source.schema_arrow.names
    if not isinstance(source, pyarrow.dataset.Dataset):
        if format not in ("parquet", "ipc"):
            raise ValueError(f"format={format!r} must be 'parquet' or 'ipc'.")
        paths = [str(path) for path in source] if isinstance(source, list | tuple) else str(source)
        try:
            source = pyarrow.dataset.dataset(paths, format=format)
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise ValueError(f"source={paths!r} cannot be read as {format}: {error}") from error
    pieces = [piece for each in source.get_fragments() for piece in _pieces_of_fragment(each)]
    if not any(piece.n_rows for piece in pieces):
        raise ValueError(f"source={source!r} has no rows.")
    return pieces, source.schema.names


def _pieces_of_fragment(fragment):
    """Yield the pieces of a file of a data set."""
    pyarrow = import_pyarrow()
    name, schema = getattr(fragment, "path", "the data set"), fragment.physical_schema
    if hasattr(fragment, "split_by_row_group"):
        for part in fragment.split_by_row_group():
            n_rows = part.row_groups[0].num_rows
            yield _Piece(
                name, schema, n_rows, lambda columns, part=part: part.to_table(columns=columns)
            )
    elif isinstance(fragment.format, pyarrow.dataset.IpcFileFormat):
        file = pyarrow.ipc.open_file(fragment.filesystem.open_input_file(fragment.path))
        for number in range(file.num_record_batches):

            def read(columns, number=number):
                batch = file.get_batch(number).select(columns)
                return pyarrow.Table.from_batches([batch])

            yield _Piece(name, schema, file.get_batch(number).num_rows, read)
    else:
        yield _Piece(
            name, schema, fragment.count_rows(), lambda columns: fragment.to_table(columns=columns)
        )


def _check_there(column, what, pieces):
    for piece in pieces:
        if column not in piece.schema.names:
            raise ValueError(
                f"{what}={column!r} is no column of {piece.name}, which has {piece.schema.names}."
            )


def _common_type(columns, pieces):
    """Return float32 if it holds all columns, else float64."""
    types = import_pyarrow().types
    is_short, seen = True, set()
    for piece in pieces:
        if (piece.name, id(piece.schema)) in seen:
            continue
        seen.add((piece.name, id(piece.schema)))
        for column in columns:
            if column not in piece.schema.names:
                raise ValueError(
                    f"The column {column!r} is missing in {piece.name}, which has {piece.schema.names}."
                )
            kind = piece.schema.field(column).type
            is_number = types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)
            if not is_number:
                raise ValueError(
                    f"The column {column!r} holds {kind} in {piece.name}, but a network reads numbers. "
                    "Leave it out by columns=[...], or write it as numbers (OrdinalEncoder, one column "
                    "for each category)."
                )
            is_float = types.is_floating(kind)
            is_short = is_short and kind.bit_width <= (32 if is_float else 16)
    return np.dtype(np.float32 if is_short else np.float64)


def _numbers(column, name, piece):
    """Return a column as an array; what is missing becomes NaN."""
    try:
        values = column.to_numpy()
        return values.astype(np.float64) if values.dtype == object else values
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The column {name!r} of {piece.name} holds no numbers: {error}"
        ) from error
