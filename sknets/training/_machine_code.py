"""The steps of dense networks as machine code, which numba makes of these functions.

The equations are those of `_recursion_layers`, `_slopes`, `_losses`, `_penalties` and `_solvers`, written
for one network and row by row: what NumPy does in thirty calls of a microsecond each, with Python's lock
held, is one call here, without the lock. Products of matrices are BLAS's, as there. What is not written
here is left to NumPy (`_compiled` knows what is).

All of it lies in one file, as `_jit.compiled_once` says why.
"""

import functools
import math

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from sknets.training import _cross_entropies, _losses, _solvers
from sknets.training._jit import OPTIONS, compile_by, compiled, compiled_once
from sknets.training._machine_random import draw_for

# columns of `layers`
N_INPUTS, N_UNITS, WEIGHT, BIAS, ACTIVATION, DROPPING, OUTPUT, SLOPE, DELTA = range(9)

# columns of `strengths`
ALPHA, L1_ALPHA, MAX_NORM, MEAN_WEIGHT = range(4)

IDENTITY, RELU, LEAKY_RELU, LOGISTIC, TANH, ELU, SILU = range(7)
SQUARED, ABSOLUTE, HUBER, QUANTILE, POISSON, BINARY, SOFTMAX = range(7)
GD, SGD, ADAGRAD, ADAM = range(4)

#: What is written here: activations by name, losses with the name of their parameter, solvers.
ACTIVATIONS = {
    "identity": IDENTITY,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "logistic": LOGISTIC,
    "tanh": TANH,
    "elu": ELU,
    "silu": SILU,
}
LOSSES = {
    _losses.HalfSquaredError: (SQUARED, None),
    _losses.AbsoluteError: (ABSOLUTE, None),
    _losses.Huber: (HUBER, "huber_delta"),
    _losses.Pinball: (QUANTILE, "quantile"),
    _losses.HalfPoissonDeviance: (POISSON, None),
    _cross_entropies.BinaryCrossEntropy: (BINARY, None),
    _cross_entropies.SoftmaxCrossEntropy: (SOFTMAX, None),
}
SOLVERS = {
    _solvers.GradientDescent: GD,
    _solvers.SGD: SGD,
    _solvers.AdaGrad: ADAGRAD,
    _solvers.RMSProp: ADAGRAD,
    _solvers.Adam: ADAM,
    _solvers.AdamW: ADAM,
}

_LEAK = 0.01

# With AVX-512, OpenBLAS has kernels for small products, but hardly for those with transposed weights: a
# copy of the weights, turned beforehand, saves a quarter of the time where there are rows enough to pay
# for it. For larger products OpenBLAS copies by itself. The fewest rows, and the most multiply-adds.
_FEWEST_TURNED, _MOST_TURNED = 24, 10**6

#: The largest of these weights.
MOST_WEIGHTS_TURNED = _MOST_TURNED // _FEWEST_TURNED

# of the exponential function: log 2 in two parts, the first with zeros at its end
_OVER_LOG_2 = 1.4426950408889634
_LOG_2_HIGH, _LOG_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10


@intrinsic
def _lent(typing_context, array):
    """Return an array without the count of its references, for as long as its owner has it.

    Views of it are then for nothing; to count them took a fifth of the time of a step.
    """

    def generate(context, builder, signature, args):
        lent = context.make_array(array)(context, builder, value=args[0])
        lent.meminfo = context.get_constant_null(types.MemInfoPointer(array.dtype))
        lent.parent = context.get_constant_null(types.pyobject)
        return lent._getvalue()

    return array(array), generate


def _cut(array, n_axes):
    """Return how values of a contiguous array, from a place on, are lent as an array of some axes."""

    def generate(context, builder, signature, args):
        values, start, *shape = args
        values = context.make_array(array)(context, builder, value=values)
        lent = context.make_array(signature.return_type)(context, builder)
        strides = [values.itemsize]
        for n in reversed(shape[1:]):
            strides.insert(0, builder.mul(n, strides[0]))
        data = builder.gep(values.data, [start])
        populate_array(lent, data, shape, strides, values.itemsize, meminfo=None)
        return lent._getvalue()

    if array.layout != "C":
        raise numba.TypingError("Only values of a contiguous array can be cut.")
    return types.Array(array.dtype, n_axes, "C")(array, *[types.intp] * (1 + n_axes)), generate


@intrinsic
def _vector(typing_context, array, start, n):
    """Return n values of a contiguous array from a place on, lent as by `_lent`.

    A slice does the same with many checks, and `reshape` calls a function: together they took as long as
    what is computed with the values.
    """
    return _cut(array, 1)


@intrinsic
def _matrix(typing_context, array, start, n_rows, n_columns):
    """Return what `_vector` does, in rows."""
    return _cut(array, 2)


@compiled
def _flat(array):
    """Return the values of a contiguous array."""
    return _vector(array, 0, array.size)


@compiled
def _parameters(layer, theta):
    """Return weight and bias of a layer as views of a vector, or their gradients."""
    n_inputs, n_units, at, bias_at = layer[N_INPUTS], layer[N_UNITS], layer[WEIGHT], layer[BIAS]
    return _matrix(theta, at, n_units, n_inputs), _vector(theta, bias_at, n_units)


@numba.njit(**OPTIONS, fastmath={"contract"})  # each sum below has one product to be done with it
def _exp(x):
    """Return exp(x) to a unit in the last place, for x between -708 and 709, else that of these.

    exp(x) = 2ᵏ exp(r) with k the integer next to x / log 2, and a series for r, below log(2) / 2 in size.
    Unlike the function of the C library, it is worked out for several x at once.
    """
    x = -708.0 if x < -708.0 else (709.0 if x > 709.0 else float(x))
    k = np.floor(x * _OVER_LOG_2 + 0.5)
    r = x - k * _LOG_2_HIGH
    r -= k * _LOG_2_LOW
    series = r / 479001600 + 1.0 / 39916800
    series = series * r + 1.0 / 3628800
    series = series * r + 1.0 / 362880
    series = series * r + 1.0 / 40320
    series = series * r + 1.0 / 5040
    series = series * r + 1.0 / 720
    series = series * r + 1.0 / 120
    series = series * r + 1.0 / 24
    series = series * r + 1.0 / 6
    series = series * r + 0.5
    series = series * r + 1.0
    series = series * r + 1.0
    return series * np.int64((np.int64(k) + 1023) << 52).view(np.float64)


@compiled
def _activate(z, bias, activation, slope):
    """Make outputs of sums in place, and write the slopes f'(z) of all but rectified units."""
    zero, one, leak = z.dtype.type(0.0), z.dtype.type(1.0), z.dtype.type(_LEAK)
    for i in range(z.shape[0]):
        if activation == RELU:
            for j in range(z.shape[1]):
                value = z[i, j] + bias[j]
                z[i, j] = zero if value <= zero else value
            continue
        for j in range(z.shape[1]):
            z[i, j] += bias[j]
        if activation == LEAKY_RELU:
            for j in range(z.shape[1]):
                slope[i, j] = one if z[i, j] > zero else leak
                z[i, j] = leak * z[i, j] if z[i, j] <= zero else z[i, j]
        elif activation == LOGISTIC:
            for j in range(z.shape[1]):
                z[i, j] = one / (1.0 + _exp(-z[i, j]))
                slope[i, j] = z[i, j] * (one - z[i, j])
        elif activation == TANH:
            for j in range(z.shape[1]):
                z[i, j] = 1.0 - 2.0 / (1.0 + _exp(2.0 * z[i, j]))
                slope[i, j] = one - z[i, j] * z[i, j]
        elif activation == ELU:
            for j in range(z.shape[1]):
                slope[i, j] = _exp(zero if z[i, j] > zero else z[i, j])
                z[i, j] = slope[i, j] - one if z[i, j] <= zero else z[i, j]
        elif activation == SILU:
            for j in range(z.shape[1]):
                share = one / (1.0 + _exp(-z[i, j]))
                z[i, j] *= share
                slope[i, j] = z[i, j] + share * (one - z[i, j])


@compiled
def _drop(values, bits, limit, scale):
    """Set values to zero of which the bits are small, and scale the others."""
    flat, zero = _flat(values), values.dtype.type(0.0)
    for i in range(len(bits)):
        flat[i] *= scale if bits[i] >= limit else zero


@compiled
def _chain(delta, activation, a, slope, scale):
    """Take gradients with respect to outputs back to sums, in place.

    Rectified units that were not dropped, and scaled, are those with an output above zero.
    """
    gradients, outputs, slopes = _flat(delta), _flat(a), _flat(slope)
    if activation == RELU:
        zero = delta.dtype.type(0.0)
        for i in range(len(gradients)):
            gradients[i] *= scale if outputs[i] > zero else zero
    else:
        for i in range(len(gradients)):
            gradients[i] *= slopes[i]


@compiled
def _outer(column, row, out):
    """Write the products of a column and a row."""
    for i in range(len(column)):
        for j in range(row.shape[1]):
            out[i, j] = column[i, 0] * row[0, j]


@compiled
def _sum_rows(values, out):
    """Write the sums of columns; four rows at a time, for each time takes as long as one."""
    n = len(values) // 4 * 4
    for j in range(len(out)):
        out[j] = values.dtype.type(0.0)
    for i in range(0, n, 4):
        for j in range(len(out)):
            out[j] += (values[i, j] + values[i + 1, j]) + (values[i + 2, j] + values[i + 3, j])
    for i in range(n, len(values)):
        for j in range(len(out)):
            out[j] += values[i, j]


@compiled
def _differentiate(loss, parameter, raw, target, delta, losses):
    """Write the losses of n rows, and their gradients with respect to raw outputs into `delta`."""
    if loss == SOFTMAX:
        _differentiate_softmax(raw, target, delta, losses)
        return
    one, half, zero = raw.dtype.type(1.0), raw.dtype.type(0.5), raw.dtype.type(0.0)
    for i, value in np.ndenumerate(raw):
        y = target[i]
        difference = value - y
        if loss == SQUARED:
            delta[i] = difference
            losses[i] = half * difference * difference
        elif loss == ABSOLUTE:
            delta[i] = np.sign(difference)
            losses[i] = abs(difference)
        elif loss == HUBER:
            clipped = difference
            clipped = parameter if clipped > parameter else clipped
            clipped = -parameter if clipped < -parameter else clipped
            delta[i] = clipped
            losses[i] = clipped * (difference - half * clipped)
        elif loss == QUANTILE:
            slope = half - parameter
            delta[i] = half * np.sign(difference) + slope
            losses[i] = half * abs(difference) + slope * difference
        elif loss == POISSON:
            mean = math.exp(value)
            delta[i] = mean - y
            losses[i] = (y * math.log(y) if y > zero else y) - y * value - y + mean
        else:
            # log(1 + exp(raw)) - y raw, in which no exponential is large
            small = _exp(-abs(value))
            delta[i] = (small if value < zero else one) / (one + small) - y
            losses[i] = math.log1p(small) + (zero if value <= zero else value) - y * value


@compiled
def _differentiate_softmax(raw, target, delta, losses):
    for i in range(len(raw)):
        largest, norm = raw[i].max(), raw.dtype.type(0.0)
        for j in range(raw.shape[1]):
            delta[i, j] = _exp(raw[i, j] - largest)
            norm += delta[i, j]
        log_norm = math.log(norm)
        for j in range(raw.shape[1]):
            delta[i, j] = delta[i, j] / norm - target[i, j]
            losses[i, j] = -target[i, j] * (raw[i, j] - largest - log_norm)


@compiled
def _average(weight, delta, losses):
    """Weigh rows, and divide gradients by their number; return the sum of the losses."""
    total, share = 0.0, delta.dtype.type(1.0 / len(delta))
    for i in range(len(delta)):
        factor = weight[i, 0] if weight.shape[1] else delta.dtype.type(1.0)
        for j in range(delta.shape[1]):
            delta[i, j] *= factor * share
            total += losses[i, j] * factor
    return total


@compiled_once
def add_penalty(theta, grad, alpha, l1_alpha, decays, weight_sum):
    """Add the gradient of the smooth part for the weights; return the value of the whole penalty."""
    value = 0.0
    if alpha > 0 and not decays:
        strength = theta.dtype.type(alpha / weight_sum)
        for i in range(len(theta)):
            grad[i] += theta[i] * strength
        value += 0.5 * strength * np.dot(theta, theta)
    if l1_alpha > 0:
        size = theta.dtype.type(0.0)
        for i in range(len(theta)):
            size += abs(theta[i])
        value += l1_alpha / weight_sum * size
    return value


@compiled_once
def shorten(grad, max_norm):
    """Shorten a long gradient; return the factor."""
    if max_norm == np.inf:
        return 1.0
    factor = max_norm / (math.sqrt(np.dot(grad, grad)) + 1e-6)
    factor = 1.0 if factor > 1.0 else factor
    by = grad.dtype.type(factor)
    for i in range(len(grad)):
        grad[i] *= by
    return factor


@compiled
def _move(solver, theta, g, first, second, rates):
    """Take the step of a solver, whose buffers are `first` and `second`."""
    number = theta.dtype.type
    if solver == GD:
        lr = number(rates[0])
        for i in range(len(theta)):
            theta[i] -= g[i] * lr
    elif solver == SGD:
        momentum, lr = number(rates[0]), number(rates[1])
        share, ahead = number(rates[2]), number(rates[3])
        for i in range(len(theta)):
            first[i] = first[i] * momentum - g[i] * lr
            theta[i] = (theta[i] + first[i] * share) - g[i] * ahead
    elif solver == ADAGRAD:
        decay, epsilon, lr = number(rates[0]), number(rates[1]), number(rates[2])
        for i in range(len(theta)):
            first[i] = first[i] * decay + g[i] * g[i]
            theta[i] -= g[i] / (np.sqrt(first[i]) + epsilon) * lr
    else:
        beta_1, beta_2 = number(rates[0]), number(rates[1])
        epsilon, lr = number(rates[2]), number(rates[3])
        for i in range(len(theta)):
            first[i] = first[i] * beta_1 + g[i]
            second[i] = second[i] * beta_2 + g[i] * g[i]
            theta[i] -= first[i] / (np.sqrt(second[i]) + epsilon) * lr


@compiled
def _eliminate(solver, theta, first, second, rates, strength):
    """Soft-threshold weights in the metric of the solver."""
    number, zero = theta.dtype.type, theta.dtype.type(0.0)
    for i in range(len(theta)):
        if solver == GD:
            threshold = number(rates[0] * strength)
        elif solver == SGD:
            threshold = number(rates[4] * strength)
        elif solver == ADAGRAD:
            root = np.sqrt(first[i]) + number(rates[1])
            threshold = number(rates[2]) / root * number(strength)
        else:
            root = np.sqrt(second[i]) + number(rates[2])
            threshold = number(rates[4]) / root * number(strength)
        left = abs(theta[i]) - threshold
        theta[i] = math.copysign(zero if left <= zero else left, theta[i])


@compiled
def _step(theta, grad, first, second, rates, own, solver, n_weights, decays, n):
    """Add penalties to the gradient of n rows and step along it; return the value of the penalties."""
    weights, weight_sum = theta[:n_weights], n * own[MEAN_WEIGHT]
    value = add_penalty(weights, grad, own[ALPHA], own[L1_ALPHA], decays, weight_sum)
    shortening = shorten(grad, own[MAX_NORM])
    if decays and own[ALPHA] > 0:
        weights *= theta.dtype.type(1.0 - rates[-1] * own[ALPHA] / weight_sum)
    _move(solver, theta, grad, first, second, rates)
    if own[L1_ALPHA] > 0:
        strength = own[L1_ALPHA] / weight_sum * shortening
        _eliminate(solver, weights, first, second, rates, strength)
    return value


@compiled
def _rows(room, place, n, n_units):
    """Return room for n rows of some units, behind what takes `place` values of a row."""
    return _matrix(room, place * n, n, n_units)


@compiled
def _take(values, order, start, shift, rows):
    """Take rows in an order, if there is one, from a start on; `values` has them behind others."""
    for i in range(len(rows)):
        source = shift + (order[start + i] if len(order) else start + i)
        for j in range(rows.shape[1]):
            rows[i, j] = values[source, j]


@compiled
def _take_codes(codes, labels, order, start, shift, rows):
    """Take the codes of the classes of rows."""
    for i in range(len(rows)):
        code = labels[shift + (order[start + i] if len(order) else start + i)]
        for j in range(rows.shape[1]):
            rows[i, j] = codes[code, j]


@compiled
def _turn(weight, turned):
    """Write the transpose of a weight."""
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            turned[j, i] = weight[i, j]


@compiled
def _forward(layers, theta, x, room, drops, bits, places, limits, scales):
    """Compute the outputs of all layers of n rows, and the slopes of those that are not linear."""
    for number in range(len(layers)):
        layer = layers[number]
        is_dropping = drops and layer[DROPPING] >= 0
        a = _rows(room, layer[OUTPUT], len(x), layer[N_UNITS])
        slope = _rows(room, layer[SLOPE], len(x), layer[N_UNITS])
        weight, bias = _parameters(layer, theta)
        if len(weight) == 1:
            np.dot(x, _flat(weight), _flat(a))
        elif len(x) >= _FEWEST_TURNED and len(x) * weight.size <= _MOST_TURNED:
            turned = _matrix(room, room.size - weight.size, layer[N_INPUTS], layer[N_UNITS])
            _turn(weight, turned)
            np.dot(x, turned, a)
        else:
            np.dot(x, weight.T, a)
        if layer[ACTIVATION] == IDENTITY and is_dropping:
            slope[:] = room.dtype.type(1.0)
        _activate(a, bias, layer[ACTIVATION], slope)
        if is_dropping:
            at, limit = places[layer[DROPPING]], limits[layer[DROPPING]]
            drawn, scale = bits[at : at + a.size], scales[layer[DROPPING]]
            _drop(a, drawn, limit, scale)
            if layer[ACTIVATION] != RELU:
                _drop(slope, drawn, limit, scale)
        x = a


@compiled
def _backward(layers, theta, grad, x, room, scales):
    """Fill the gradients of all layers; the delta of the last one is there."""
    for number in range(len(layers) - 1, -1, -1):
        layer, below = layers[number], layers[max(number - 1, 0)]
        delta = _rows(room, layer[DELTA], len(x), layer[N_UNITS])
        a = _rows(room, below[OUTPUT], len(x), below[N_UNITS]) if number else x
        weight, _ = _parameters(layer, theta)
        weight_grad, bias_grad = _parameters(layer, grad)
        _sum_rows(delta, bias_grad)
        if len(weight) == 1:
            np.dot(_flat(delta), a, _flat(weight_grad))
        else:
            np.dot(delta.T, a, weight_grad)
        if number:
            delta_below = _rows(room, below[DELTA], len(x), below[N_UNITS])
            if len(weight) == 1:
                _outer(delta, weight, delta_below)
            else:
                np.dot(delta, weight, delta_below)
            if below[ACTIVATION] != IDENTITY or below[DROPPING] >= 0:
                slope = _rows(room, below[SLOPE], len(x), below[N_UNITS])
                scale = room.dtype.type(1.0)
                if below[DROPPING] >= 0:
                    scale = scales[below[DROPPING]]
                _chain(delta_below, below[ACTIVATION], a, slope, scale)


@compiled_once
def fill(
    layers, loss, parameter, theta, grad, x, target, weight, room, bits, places, limits, scales
):
    """Fill the gradient of the mean loss of n rows; return the sum of their losses.

    Parameters are those of `descend`; weights are of shape (n, 1) or (n, 0), places of shape
    (n_dropping,), limits and scales, too. Raw outputs are left in the room.
    """
    last, n = layers[-1], len(x)
    _forward(layers, theta, x, room, True, bits, places, limits, scales)
    raw = _rows(room, last[OUTPUT], n, last[N_UNITS])
    delta = _rows(room, last[DELTA], n, last[N_UNITS])
    losses = _rows(room, last[DELTA] + last[N_UNITS], n, last[N_UNITS])
    _differentiate(loss, parameter, raw, target, delta, losses)
    total = _average(weight, delta, losses)
    _backward(layers, theta, grad, x, room, scales)
    return total


@compiled_once
def evaluate(layers, loss, parameter, theta, x, target, weight, room, raw):
    """Write the raw outputs of n rows as they are predicted; return their mean loss.

    Parameters are those of `fill`, raw outputs of shape (n, n_outputs).
    """
    last, n = layers[-1], len(x)
    nothing, no_bits = np.empty(0, np.int64), np.empty(0, np.uint16)
    _forward(layers, theta, x, room, False, no_bits, nothing, no_bits, room[:0])
    raw[:] = _rows(room, last[OUTPUT], n, last[N_UNITS])
    delta = _rows(room, last[DELTA], n, last[N_UNITS])
    losses = _rows(room, last[DELTA] + last[N_UNITS], n, last[N_UNITS])
    _differentiate(loss, parameter, raw, target, delta, losses)
    total, weight_sum = 0.0, 0.0
    for i in range(n):
        factor = weight[i, 0] if weight.shape[1] else losses.dtype.type(1.0)
        weight_sum += factor
        for j in range(losses.shape[1]):
            total += losses[i, j] * factor
    return total / weight_sum


@compiled_once
def descend(
    layers,
    loss,
    loss_parameter,
    solver,
    n_weights,
    decays,
    x,
    y,
    labels,
    weight,
    places,
    orders,
    starts,
    sizes,
    epochs,
    theta,
    grad,
    first,
    second,
    rates,
    strengths,
    bits,
    bit_places,
    limits,
    scales,
    room,
    totals,
    n_done,
    trials,
    outcomes,
):
    """Take steps of K networks of one shape, each by itself, batch by batch.

    At the end of an epoch each is tried on its validation data. Where the losses of an epoch are no
    number, a network stops at its end.

    Parameters
    ----------
    layers : ndarray of int of shape (n_layers, 9)
        Inputs and units, places of weight and bias among the parameters, activation, which of the layers
        with dropout it is (-1: none), places of outputs, slopes and deltas in the room of a row.
    loss, loss_parameter, solver, n_weights, decays
        The loss and its parameter; the solver; how many parameters are penalised, and whether the L2
        penalty decays them outside of the gradient.
    x : ndarray of shape (n, n_inputs)
        Rows of all networks.
    y : ndarray of shape (n, n_outputs), or (n_classes, n_outputs) where there are `labels`
        Targets of rows, or of classes.
    labels : ndarray of int of shape (n,), or (0,)
        Classes of rows.
    weight : ndarray of shape (n, 1), or (n, 0)
        Weights of rows, if there are any.
    places : ndarray of int of shape (K, 2)
        The first row of each network in `x`, and in labels or targets and weights.
    orders : ndarray of int of shape (K, n_epochs, n), or (K, n_epochs, 0)
        The order of its rows in each epoch; none if they come as they are.
    starts, epochs : ndarray of int of shape (n_steps,)
        Where the batch of each step begins, and in which epoch.
    sizes : ndarray of int of shape (n_steps, K)
        Its rows.
    theta, grad, first, second : ndarray of shape (K, P)
        Parameters, gradients and buffers; what the solver has not is any array.
    rates : ndarray of shape (n_steps, K, n_rates)
        What the solver needs in each step; where `decays`, the learning rate behind it.
    strengths : ndarray of shape (K, 4)
        Penalties and others.
    bits : ndarray of uint16 of shape (K, n_bits)
        Random bits for dropout.
    bit_places : ndarray of int of shape (n_steps, K, n_dropping)
        Where those of a layer begin.
    limits, scales : ndarray of shape (K, n_dropping)
        From which bits on a unit is kept, and with what it is multiplied then.
    room : ndarray of shape (n_room,)
        Room for the values of the rows of a batch, and behind them for the largest weight of a layer
        that has `MOST_WEIGHTS_TURNED` or less.
    totals : ndarray of shape (K, n_epochs)
        To which the losses of each epoch are added, once for each row.
    n_done : ndarray of int of shape (K,)
        To which the number of steps that each has taken is added at the end.
    trials : tuple
        Inputs, targets and weights of the validation data of all networks, as `fill` takes them; the
        first row of each network, and its rows, which may be none: arrays of int of shape (K,).
    outcomes : tuple
        Where it is written what each network makes of them at the end of each epoch: raw outputs of shape
        (K, n_epochs, n, n_outputs), mean losses of shape (K, n_epochs), and the parameters of then, of
        shape (K, n_epochs, P), or (K, n_epochs, 0) if nobody asks for them.
    """
    layers, x, y, weight, room = _lent(layers), _lent(x), _lent(y), _lent(weight), _lent(room)
    theta, grad, first, second = _lent(theta), _lent(grad), _lent(first), _lent(second)
    labels, orders, places, bits = _lent(labels), _lent(orders), _lent(places), _lent(bits)
    rates, strengths, bit_places = _lent(rates), _lent(strengths), _lent(bit_places)
    limits, scales = _lent(limits), _lent(scales)
    x_tried, y_tried, weight_tried = _lent(trials[0]), _lent(trials[1]), _lent(trials[2])
    first_tried, n_tried = _lent(trials[3]), _lent(trials[4])
    raws, losses, thetas = _lent(outcomes[0]), _lent(outcomes[1]), _lent(outcomes[2])
    last, n_steps = layers[-1], len(starts)
    n_outputs, after = last[N_UNITS], last[DELTA]
    for k in range(len(theta)):
        of_x, of_y = places[k, 0], places[k, 1]
        values, slopes, moved, squared = theta[k], grad[k], first[k], second[k]
        own, drawn, limit, scale = strengths[k], bits[k], limits[k], scales[k]
        tried, n_held, n_taken = slice(first_tried[k], first_tried[k] + n_tried[k]), n_tried[k], 0
        for step in range(n_steps):
            n, start, epoch, drawn_at = (
                sizes[step, k],
                starts[step],
                epochs[step],
                bit_places[step, k],
            )
            order = orders[k, epoch]
            if len(order):
                inputs = _rows(room, 0, n, x.shape[1])
                _take(x, order, start, of_x, inputs)
            else:
                inputs = x[of_x + start : of_x + start + n]
            target = _rows(room, after + 2 * n_outputs, n, n_outputs)
            if len(labels):
                _take_codes(y, labels, order, start, of_y, target)
            else:
                _take(y, order, start, of_y, target)
            of_rows = _rows(room, after + 3 * n_outputs, n, weight.shape[1])
            _take(weight, order, start, of_y, of_rows)
            total = fill(
                layers, loss, loss_parameter, values, slopes, inputs, target, of_rows,
                room, drawn, drawn_at, limit, scale,
            )  # fmt: skip
            penalty = _step(
                values, slopes, moved, squared, rates[step, k], own, solver, n_weights, decays, n
            )
            totals[k, epoch] += (total / n + penalty) * n
            is_end = step + 1 == n_steps or epochs[step + 1] != epoch
            if is_end and n_held:
                losses[k, epoch] = evaluate(
                    layers, loss, loss_parameter, values, x_tried[tried], y_tried[tried],
                    weight_tried[tried], room, raws[k, epoch, :n_held],
                )  # fmt: skip
            if is_end and thetas.shape[2]:
                thetas[k, epoch] = values
            n_taken = step + 1
            if is_end and not math.isfinite(totals[k, epoch]):
                break
        n_done[k] += n_taken


@functools.cache
def compile_for(dtype):
    """Compile what steps in a type of numbers need, which takes seconds, or read it from disk."""
    compile_by(lambda: _take_a_step(dtype))
    draw_for(1)


def _take_a_step(dtype):
    layers = np.array([[1, 1, 0, 1, IDENTITY, -1, 1, 2, 3]])
    numbers, one, none = np.zeros((1, 2), dtype), np.ones((1, 1), dtype), np.zeros(0, np.int64)
    counts, first = np.ones((1, 1), np.int64), np.zeros(1, np.int64)
    descend(
        layers, SQUARED, one.dtype.type(0.0), GD, 1, False,
        one, one, none, one[:, :0], np.zeros((1, 2), np.int64),
        np.zeros((1, 1, 0), np.int64), first, counts, first,
        numbers, numbers.copy(), numbers.copy(), numbers.copy(), np.zeros((1, 1, 2)),
        np.ones((1, 4)), np.zeros((1, 0), np.uint16), np.zeros((1, 1, 0), np.int64),
        np.zeros((1, 0), np.uint16), np.zeros((1, 0), dtype), np.zeros(7, dtype), np.zeros((1, 1)),
        first, (one, one, one[:, :0], first, first.copy()),
        (one[None, None], np.zeros((1, 1)), one[None, :, :0]),
    )  # fmt: skip
