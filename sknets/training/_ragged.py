"""Rows of unequal length, padded batch by batch."""

import numpy as np
import torch

from sknets.training._stores import Store, batch_by_batch, moved


class Ragged(Store):
    """Sequences of unequal length end to end; a part of them is taken as a padded tensor.

    Rows that are shuffled meet others of about their length, so that little of the work is padding.

    Parameters
    ----------
    values : torch.Tensor of shape (n_values, ...)
        The timesteps of all sequences, one sequence after the other.
    lengths : torch.Tensor of int64, shape (n_rows,)
        Timesteps of each sequence, at least 1.
    whole_padding : int, default=-1
        What pads whole numbers.
    """

    is_padded = True

    def __init__(self, values, lengths, whole_padding=-1):
        self.values = values
        self.padding = torch.nan if values.is_floating_point() else whole_padding
        self.lengths = lengths
        self.starts = lengths.cumsum(0) - lengths
        # for the number of timesteps of a batch, without asking an accelerator
        self._on_cpu = lengths.cpu().numpy()

    @property
    def data(self):
        """The sequences themselves: a part of them is a padded tensor."""
        return self

    @property
    def shape(self):
        """Number of sequences, timesteps of the longest, shape of a timestep."""
        return torch.Size([len(self.lengths), int(self._on_cpu.max()), *self.values.shape[1:]])

    def __len__(self):
        return len(self.lengths)

    def take(self, index):
        """Return the sequences of an index or slice, as long as the longest of them.

        Padding is NaN in numbers, and -1 in whole numbers or what has been asked for.
        """
        longest = self._on_cpu[index.cpu().numpy() if torch.is_tensor(index) else index].max()
        index = moved(index, self.lengths.device)
        lengths, starts = self.lengths[index], self.starts[index]
        time = torch.arange(int(longest), device=lengths.device)
        places = (starts[:, None] + time).clamp(max=len(self.values) - 1)
        is_padding = time >= lengths[:, None]
        padded = self.values[places]
        is_padding = is_padding.reshape(*is_padding.shape, *[1] * (padded.ndim - 2))
        return padded.masked_fill(is_padding, self.padding)

    def __getitem__(self, index):
        return self.take(index)

    def plan(self, sizes, order, generator):
        if order is None:
            return batch_by_batch(sizes, order)
        return ((rows, [len(rows)]) for rows in self.bucketed(order, sizes, generator))

    def bucketed(self, order, sizes, generator):
        """Cut an order into batches of sequences of similar length, themselves in random order.

        Parameters
        ----------
        order : torch.Tensor of shape (n_rows,)
            A random order of all rows; rows of equal length keep it.
        sizes : list of int
            Rows in each batch.
        generator : torch.Generator
            Source of the order of the batches.

        Returns
        -------
        list of torch.Tensor
            The rows of each batch.
        """
        lengths = self._on_cpu[order.numpy()]
        by_length = order[torch.from_numpy(np.argsort(lengths, kind="stable"))]
        batches = by_length.split(sizes)
        return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
