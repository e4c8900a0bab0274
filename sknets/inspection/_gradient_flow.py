"""How gradients vanish or explode on their way back through the timesteps of a recurrent layer."""

import math
from numbers import Integral

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils import Bunch

from sknets._plain_torch import in_plain_torch
from sknets.inspection._opened import OpenedNetwork
from sknets.inspection._unwrap import REMEMBERS

#: Values of the largest tensor that are held at once.
_BLOCK_VALUES = 2**22


@in_plain_torch
def gradient_flow(estimator, X, *, layer=-1):
    """Compute how strongly the last state of a recurrent layer depends on each state before it.

    For each sequence and timestep t this is the spectral norm of the Jacobian ∂h_T/∂s_t, where h_T is
    the output of the layer at the last timestep T of the sequence and s_t its whole state at t:
    h_t, for the LSTM (h_t, c_t). It is the most by which the way from t to T stretches a gradient.

    Parameters
    ----------
    estimator : estimator
        A fitted RNNClassifier or RNNRegressor with ``bidirectional=False``, or a pipeline, search or
        FrozenEstimator with one.
    X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
        Sequences, as the estimator takes them.
    layer : int, default=-1
        Number of the recurrent layer, from 0; -1 is the last one. Of an encoder-decoder, the encoder's.

    Returns
    -------
    sklearn.utils.Bunch
        With these entries:

        gaps : ndarray of shape (longest,)
            The gaps T - t: 0, 1, ..., ``longest - 1``, in timesteps. `longest` is the length of the
            longest sequence, after the convolutions in front of the layer where there are some.
        norms : ndarray of shape (n_samples, longest)
            The norm of each sequence at each gap, NaN where it is shorter; 1 at gap 0.
        bound : ndarray of shape (longest,) or None
            (γσ)^gap, which no norm exceeds [1]_, where γ = 1 is the largest slope of the activation
            and σ the largest singular value of the recurrent weights. For the cells 'rnn' and
            'rnn_relu'; None for others.
        largest_singular_value : float or None
            σ; None for the same cells.

    Raises
    ------
    TypeError
        If the estimator is no recurrent network.
    ValueError
        If the network is bidirectional, or has no such layer.

    See Also
    --------
    GradientFlowDisplay : The norms as a picture.

    Notes
    -----
    The Jacobian is exact: the product of ∂s_u/∂s_{u-1} over all steps u from T down to t + 1, taken in
    float64 on the CPU, without dropout. Products are rescaled on the way, so that norms have all their
    digits down to 1e-308. States before the first timestep are left out. `bptt_steps` plays no role.

    With γσ < 1 gradients of a plain cell vanish, at least as fast as the bound; only with γσ > 1 can they
    explode. What a gated cell does depends on its gates.

    References
    ----------
    .. [1] Pascanu, Mikolov and Bengio (2013). On the difficulty of training recurrent neural networks.
       ICML.
    .. [2] Bengio, Simard and Frasconi (1994). Learning long-term dependencies with gradient descent is
       difficult. IEEE Transactions on Neural Networks 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import RNNRegressor
    >>> from sknets.inspection import gradient_flow
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(10, 30, 100)]
    >>> y = [series.mean() for series in X]
    >>> network = RNNRegressor(recurrent_layer_sizes=8, cell="rnn", random_state=0).fit(X, y)
    >>> flow = gradient_flow(network, X)
    >>> flow.norms.shape
    (100, 29)
    >>> bool(np.nanmedian(flow.norms[:, 20]) < flow.bound[20])
    True
    """
    opened = OpenedNetwork(estimator, REMEMBERS, X, device="cpu")
    rows, stack = opened.rows, opened.module.stack
    n_layers = len(stack.layers)
    if stack.is_bidirectional:
        raise ValueError(
            "bidirectional=True has states in both directions, none of which is the last; fit with "
            "bidirectional=False."
        )
    if not isinstance(layer, Integral) or not -n_layers <= layer < n_layers:
        raise ValueError(
            f"layer={layer!r} is unknown; give a number from 0 to {n_layers - 1}, or one from "
            f"{-n_layers} to -1 that counts from the end."
        )
    observed = stack.layers[layer]
    stack.layers = stack.layers[: layer % n_layers]  # all below it: what they return, it reads
    longest = math.ceil(rows.shape[1] / stack.shortening)
    norms = np.full((len(rows), longest), np.nan)
    largest = observed.weight.shape[0] * max(longest, observed.n_units)
    n_at_once = max(1, _BLOCK_VALUES // largest)
    order = np.argsort(-rows.lengths, kind="stable")  # neighbours of one length: little padding
    for start in range(0, len(rows), n_at_once):
        block = order[start : start + n_at_once]
        with opened.threads(len(block) * observed.n_units), torch.no_grad():
            x, lengths = stack(*opened.module.input(opened.batch(rows[block])))
            if lengths is None:
                lengths = torch.full((len(x),), x.shape[1])
            by_gap = _norms_by_gap(observed, x, lengths)
        norms[block, : by_gap.shape[1]] = by_gap
    bound = largest_singular_value = None
    if observed.n_gates == 1:
        largest_singular_value = torch.linalg.matrix_norm(observed.recurrent_weight, 2).item()
        with np.errstate(over="ignore"):
            bound = (observed.largest_slope * largest_singular_value) ** np.arange(longest)
    return Bunch(
        gaps=np.arange(longest),
        norms=norms,
        bound=bound,
        largest_singular_value=largest_singular_value,
    )


def _norms_by_gap(layer, x, lengths):
    """Return the norms of ∂h_T/∂s_t by the gap T - t.

    Parameters
    ----------
    layer : Recurrent
        The layer.
    x : torch.Tensor of shape (n, n_timesteps, n_inputs)
        Its inputs.
    lengths : torch.Tensor of shape (n,)
        Timesteps of each sequence that are no padding.

    Returns
    -------
    ndarray of shape (n, n_timesteps)
    """
    n, n_timesteps = x.shape[:2]
    inputs = F.linear(x, layer.weight, layer.bias)
    states = _all_states(layer, inputs)
    each = torch.arange(n)

    # ∂h_T/∂s_T = (I, 0), its rows first: (n_units, n, n_units in all parts of the state)
    jacobian = torch.eye(layer.n_units, layer.n_units * layer.n_states, dtype=x.dtype)
    jacobian = jacobian[:, None].repeat(1, n, 1)
    exponent = np.zeros(n, dtype=np.int64)  # what has been taken out: jacobian * 2**exponent
    norms = np.full((n, n_timesteps), np.nan)
    for gap in range(n_timesteps):
        if gap:
            # ∂h_T/∂s_{t-1} = ∂h_T/∂s_t ∂s_t/∂s_{t-1}; one that has ended stays at its second timestep
            t = (lengths - gap).clamp(min=1)
            step_inputs = inputs[each, t]
            before = [part[each, t - 1] for part in states]
            _, pull_back = torch.func.vjp(
                lambda *state, step_inputs=step_inputs: layer.step(step_inputs, state), *before
            )
            parts = torch.func.vmap(pull_back)(jacobian.chunk(layer.n_states, 2))
            jacobian = torch.cat(parts, 2)
        shift = np.frexp(jacobian.abs().amax((0, 2)).numpy())[1]
        jacobian /= torch.from_numpy(np.ldexp(1.0, shift))[:, None]
        exponent += shift
        with np.errstate(over="ignore"):
            norms[:, gap] = np.ldexp(_spectral_norms(jacobian.transpose(0, 1)), exponent)
    norms[np.arange(n_timesteps) >= lengths.numpy()[:, None]] = np.nan
    return norms


def _all_states(layer, inputs):
    """Return the states after each timestep: a tensor (n, n_timesteps, n_units) for each part."""
    state = (inputs.new_zeros(len(inputs), layer.n_units),) * layer.n_states
    states = []
    for step_inputs in inputs.unbind(1):
        state = layer.step(step_inputs, state)
        states.append(state)
    return [torch.stack(parts, 1) for parts in zip(*states, strict=True)]


def _spectral_norms(matrices):
    """Return the norms of matrices that are neither very large nor very small; faster than an SVD."""
    squares = torch.linalg.eigvalsh(matrices @ matrices.mT)[:, -1]
    return squares.clamp(min=0.0).sqrt().numpy()
