"""A fitted network, opened: a copy that may be taken apart, and X as it takes it."""

import copy

import torch

from sknets.inspection._unwrap import IS_FOREIGN, NO_X, unwrap

#: Values of the widest layer, over all rows, that are held at once.
BLOCK_VALUES = 2**21


class OpenedNetwork:
    """A copy in float64 of the module of a fitted network, of any architecture.

    Whatever is done to the copy (hooks, rules, gradients), the estimator stays as it is. Nothing in
    it is drawn, so the global random states stay as they are, too. A user's own module keeps its
    precision: it may make tensors of a type of its own.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    ability : Ability
        What the network must be able to do.
    X : array-like, default=NO_X
        Data as the estimator takes them.
    device : torch.device or str, default=None
        Device of the copy; None is that of the network, but for one that knows no float64.

    Attributes
    ----------
    network : BaseNet
        The fitted network.
    module : torch.nn.Module
        The copy.
    rows : rows
        X as the network has read it.
    """

    def __init__(self, estimator, ability, X=NO_X, device=None):
        self.estimator = estimator
        self.ability = ability
        self.network, X = unwrap(estimator, ability, X)
        module, values = self.network.net_.module_, self.network.net_.flat.values
        self.dtype = values.dtype if IS_FOREIGN.fits(self.network) else torch.float64
        self.device = torch.device(device or values.device)
        if self.device.type == "mps" and self.dtype == torch.float64:  # which it does not know
            self.device = torch.device("cpu")
        self.module = copy.deepcopy(module).to(self.device, self.dtype)
        self.module.eval().requires_grad_(False)
        if X is not NO_X:
            self.rows = self._read(X)

    @property
    def target(self):
        """What the network has learned of y; of a y of sequences, of their steps."""
        target = self.network._learned.target
        return getattr(target, "inner", target)

    def _read(self, X):
        return self.network._read(X)

    def read(self, X):
        """Return a further X, as the estimator takes it, as rows."""
        return self._read(unwrap(self.estimator, self.ability, X)[1])

    def batch(self, rows):
        """Return rows as the module takes them."""
        return self.network._learned.input.batch(rows, self.dtype, self.device)

    def threads(self, n_rows=None):
        """Return a context with as many threads as some rows, or all of X, are worth."""
        n_rows = self.rows.shape[0] if n_rows is None else n_rows
        return self.network._learned.threads_for(n_rows)

    @property
    def n_rows_at_once(self):
        """Rows whose widest layer fits into a block; what works in blocks says how `widest` that is."""
        return max(1, BLOCK_VALUES // self.widest)

    def slices(self):
        """Yield slices of the rows of X, a block each."""
        n_rows, size = self.rows.shape[0], self.n_rows_at_once
        for start in range(0, n_rows, size):
            yield slice(start, min(start + size, n_rows))


@torch.no_grad()
def outputs_of(layers, run, n_rows):
    """Return what layers put out while something runs, by name, in the order of computation.

    Parameters
    ----------
    layers : dict of torch.nn.Module
        Layers by name. Of a tuple they put out, the first part counts. What is no tensor, or has no entry
        for each row, is left out.
    run : callable
        Called without arguments.
    n_rows : int
        Rows that run.

    Raises
    ------
    ValueError
        If there is one layer, and it is left out.
    """
    outputs, handles = {}, []
    for name, layer in layers.items():

        def keep(layer, inputs, output, name=name):
            first = output[0] if isinstance(output, tuple) and output else output
            if torch.is_tensor(first) and first.ndim and len(first) == n_rows:
                outputs[name] = first.clone()  # the next layer may work in place

        handles.append(layer.register_forward_hook(keep))
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    if len(layers) == 1 and not outputs:
        raise ValueError(
            f"layer={next(iter(layers))!r} puts out nothing with an entry for each row of X."
        )
    return outputs


def named_layers(module):
    """Return the layers of a module by their dotted names: each module in it but plain containers."""
    return {
        name: layer
        for name, layer in module.named_modules()
        if name and type(layer) not in (torch.nn.Sequential, torch.nn.ModuleList)
    }


def find_layer(layers, name):
    """Return the layer of a name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not isinstance(name, str) or name not in layers:
        raise ValueError(f"layer={name!r} is unknown; there are {list(layers)}.")
    return layers[name]


def hidden_layers(stack):
    """Return the hidden layers of a dense stack by name: of each, what the next one sees."""
    weighted = {id(layer) for layer in stack.weighted_layers}
    children = list(stack)
    starts = [number for number, child in enumerate(children) if id(child) in weighted]
    return {f"hidden{n}": children[start - 1] for n, start in enumerate(starts[1:], start=1)}
