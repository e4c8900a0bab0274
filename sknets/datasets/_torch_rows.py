"""Rows of a Torch data set."""

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from sknets.datasets._in_pieces import MEMORY, RowsInPieces


class TorchRows(RowsInPieces):
    """The rows of a Torch `DataLoader` or `Dataset`, and its targets.

    An estimator makes its own batches: its `batch_size` and its `shuffle` count. Of a loader are used
    the data set,
    the workers that load it (`num_workers`, `multiprocessing_context`, `worker_init_fn`, `timeout`),
    and `batch_size` as the
    number of rows that a worker loads at a time. What would have no effect is refused: a sampler of
    your own, `batch_sampler`, `collate_fn`, `drop_last`.

    Parameters
    ----------
    source : torch.utils.data.DataLoader or torch.utils.data.Dataset
        Its items are rows, or pairs of a row and its target; a row is a tensor or an array, and always
        the same: what changes it at random belongs into `augment`.
    memory : float, default=512
        Mebibytes. Rows that fit are read once and are then an array; of others, so many are in memory
        at a time, in up to four parts.

    Attributes
    ----------
    target : ndarray of shape (n_rows, ...)
        The second entries of the items; all items are loaded when it is first asked for.

    Raises
    ------
    ValueError
        If the data set has no length, its items are no rows of numbers, or the loader does what an
        estimator would not.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from sknets import MLPClassifier
    >>> from sknets.datasets import TorchRows
    >>> x = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    >>> rows = TorchRows(DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=50))
    >>> model = MLPClassifier(learning_rate="one_cycle", max_iter=5, random_state=0)
    >>> model = model.fit(rows, rows.target)
    >>> rows.shape, model.classes_
    ((500, 8), array([0, 1]))
    """

    def __init__(self, source, *, memory=MEMORY):
        loader = source if isinstance(source, DataLoader) else DataLoader(source, batch_size=1)
        self._loader = loader
        self._dataset = _checked(loader)
        first = _parts(self._dataset[0])
        row = _as_array(first[0])
        if row.dtype.kind not in "buif" or not row.ndim:
            raise ValueError(
                f"The items of {type(self._dataset).__name__} must be arrays of numbers, or pairs "
                f"of one and its target; the first has {type(first[0]).__name__} of shape "
                f"{row.shape}."
            )
        self._has_target = len(first) == 2
        super().__init__((len(self._dataset), *row.shape), row.dtype, memory=memory)

    @property
    def target(self):
        """The targets."""
        if not self._has_target:
            raise ValueError(
                f"The items of {type(self._dataset).__name__} have no target beside the row."
            )
        if not hasattr(self, "_target"):
            targets = [y for _, y in self._load(np.arange(len(self)))]
            self._target = np.concatenate(targets)
        return self._target

    def read_sorted(self, positions):
        found, start = np.empty((len(positions), *self.shape[1:]), self.dtype), 0
        for x, _ in self._load(positions):
            if x.shape[1:] != self.shape[1:]:
                raise ValueError(
                    f"The items of {type(self._dataset).__name__} have rows of shapes "
                    f"{self.shape[1:]} and {x.shape[1:]}; all must have one shape."
                )
            found[start : start + len(x)] = x
            start += len(x)
        return found

    def _load(self, positions):
        """Yield arrays of rows and of their targets."""
        loader = self._loader
        size = max(loader.batch_size or 1, 1)
        if loader.num_workers == 0:
            size = max(size, 256)
        options = {}
        if loader.num_workers:
            options = {
                "num_workers": loader.num_workers,
                "multiprocessing_context": loader.multiprocessing_context,
                "worker_init_fn": loader.worker_init_fn,
                "timeout": loader.timeout,
                "prefetch_factor": loader.prefetch_factor,
            }
        tasks = [positions[start : start + size] for start in range(0, len(positions), size)]
        # a generator of its own: a loader draws a seed, which else moves Torch's global state
        options |= {"batch_size": None, "collate_fn": _as_is, "generator": torch.Generator()}
        yield from DataLoader(_Chunks(self._dataset, tasks), **options)


class _Chunks(torch.utils.data.Dataset):
    """Rows and targets of lists of positions, as workers load them."""

    def __init__(self, dataset, tasks):
        self.dataset, self.tasks = dataset, tasks

    def __len__(self):
        return len(self.tasks)

    def __getitem__(self, number):
        items = [_parts(self.dataset[int(position)]) for position in self.tasks[number]]
        rows = [_as_array(item[0]) for item in items]
        if len({row.shape for row in rows}) > 1:
            shapes = sorted({row.shape for row in rows})
            raise ValueError(
                f"Rows have the shapes {shapes[0]} and {shapes[1]}; all must have one shape."
            )
        targets = [_as_array(item[1]) for item in items] if len(items[0]) == 2 else [0]
        return np.stack(rows), np.stack(targets)


def _as_is(item):
    return item


def _parts(item):
    """Return the row of an item, and its target where there is one."""
    return tuple(item) if isinstance(item, tuple | list) and len(item) == 2 else (item,)


def _as_array(value):
    return value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)


def _checked(loader):
    """Return the data set of a loader that does nothing which an estimator would not."""
    dataset, ignored = loader.dataset, []
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise ValueError(
            f"{type(dataset).__name__} hands out rows in an order of its own; a data set with a "
            "length and an item for each position is needed."
        )
    if not len(dataset):
        raise ValueError(f"{type(dataset).__name__} has no rows.")
    plain = DataLoader(dataset, batch_size=1)
    sampler = loader.sampler
    is_random = type(sampler) is RandomSampler and not sampler.replacement
    if not (is_random and len(sampler) == len(dataset)) and type(sampler) is not SequentialSampler:
        ignored.append("sampler (sample_weight says how much a row counts)")
    if loader.batch_size is None and loader.batch_sampler is not None:
        ignored.append("batch_sampler (batch_size is a parameter of the estimator)")
    if loader.collate_fn not in (plain.collate_fn, DataLoader(dataset, batch_size=None).collate_fn):
        ignored.append("collate_fn (let the items be rows of one shape)")
    if loader.drop_last:
        ignored.append("drop_last (a small last batch is joined to the one before)")
    if ignored:
        raise ValueError(f"An estimator makes its own batches, without {', '.join(ignored)}.")
    return dataset
