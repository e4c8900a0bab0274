"""The layers of the recursion: forward, and back to gradients or to derivatives of each row."""

from functools import cached_property

import numpy as np

from sknets.training._slopes import SLOPES, Slope


class _Room:
    """The arrays of a layer for batches of one size, each of shape ([K,] n, n_units)."""

    def __init__(self, shape, dtype, *, needs_input):
        self.z = np.empty(shape, dtype)
        self.a = np.empty(shape, dtype) if needs_input else self.z
        self.x = self.kept = self.delta = None

    @cached_property
    def ones(self):
        """A row of ones, of shape (1, n)."""
        return np.ones((1, self.z.shape[-2]), self.z.dtype)

    @cached_property
    def zeros(self):
        """Zeros like `z`."""
        return np.zeros(self.z.shape, self.z.dtype)

    def make_delta(self):
        """Make what the way back needs, but for the layer of the outputs."""
        self.delta, self.scratch = np.empty_like(self.z), np.empty_like(self.z)
        self.mask = np.empty(self.z.shape, bool)

    def forget(self):
        """Let go of the inputs, which belong to others."""
        self.x = None

    def make_kept(self):
        """Make what dropout needs."""
        self.kept, self.dropped = np.empty_like(self.z), np.empty_like(self.z)
        # units of all rows side by side, as their bits come
        flat = (*self.z.shape[:-2], -1)
        self.flat_kept = self.kept.reshape(flat)
        self.flat_drawn = np.empty(self.flat_kept.shape, bool)


class Layer:
    """The same layer of K networks.

    A subclass computes `room.a` (`_activate`), and the way back from there: to what its parameters see
    (`_go_back`), of which it takes the sum over rows (`_fill`) or each row (`_fill_rows`), and to the
    layer below (`_go_below`).
    """

    needs_input = False

    def __init__(self, number, plans, places, theta, grad):
        layer = plans[0][number]
        self._lead = theta.shape[:-1]
        self._places = {}
        self.number = number
        self.n_units = layer.n_units

        def views(parameter, *shape):
            place = self._places[id(parameter)] = places[id(parameter)]
            return [array[..., place].reshape(*self._lead, *shape) for array in (theta, grad)]

        self._matmul = np.matmul if self._lead else np.dot  # which is faster for two axes
        self._find(layer.units, views)
        self.dropouts = None if layer.dropout is None else [plan[number].dropout for plan in plans]
        self._dtype, self._rates = theta.dtype, None

    def _find(self, units, views):
        """Find the parameters and their gradients, which ``views(parameter, *shape)`` returns."""
        self._units = units
        self.weight, self.weight_grad = views(units.weight, *units.weight.shape)
        self.bias, self.bias_grad = views(units.bias, 1, self.n_units)

    def make_room(self, n_rows, dtype):
        """Return arrays for batches of some rows."""
        shape = (*self._lead, n_rows, self.n_units)
        return _Room(shape, dtype, needs_input=self.needs_input)

    def forward(self, x, room):
        """Return what the layer makes of its inputs; units that `drop` has drawn are zero."""
        room.x = x
        self._activate(x, room)
        return room.a if room.kept is None else np.multiply(room.a, room.kept, out=room.dropped)

    def drop(self, room, bits):
        """Drop units of which the 16 bits in `bits`, an array of shape ([K,] n * n_units), are small."""
        if room.kept is None:
            room.make_kept()
        rates = [dropout.p for dropout in self.dropouts]
        if rates != self._rates:  # a callback may change them
            self._rates = rates
            self._limits = self._column([dropout.limit for dropout in self.dropouts], np.uint16)
            self._scales = self._column(
                [1.0 / dropout.keep for dropout in self.dropouts], self._dtype
            )
        np.greater_equal(bits, self._limits, out=room.flat_drawn)
        np.multiply(room.flat_drawn, self._scales, out=room.flat_kept)

    def _column(self, values, dtype):
        values = np.array(values, dtype)
        return values[:, None] if self._lead else values[0]

    def backward(self, delta, room, below, rows=None):
        """Fill the gradients of the parameters, and the `delta` of the layer below, where there is one.

        `delta` belongs to what `forward` returned, and is used up. Of one network, the array `rows` of
        shape (n, P) takes the gradients of each row, in the place of their sum.
        """
        if room.kept is not None:
            delta *= room.kept
        self._go_back(delta, room, rows)
        if rows is None:
            self._fill(delta, room)
        else:
            self._fill_rows(delta, room, rows)
        if below is not None:
            self._go_below(delta, room, below)

    def _of_rows(self, parameter, rows, *shape):
        """Return the view of `rows` that belongs to a parameter."""
        return rows[:, self._places[id(parameter)]].reshape(len(rows), *shape)


class _Linear(Layer):
    """Units that add up their inputs, and an activation."""

    def __init__(self, number, plans, places, theta, grad):
        super().__init__(number, plans, places, theta, grad)
        layer = plans[0][number]
        self._transposed = self.weight.mT
        is_known = layer.activation in SLOPES
        self._rule = SLOPES[layer.activation] if is_known else _Learned(layer, places, theta, grad)
        self.needs_input = self._rule.needs_input

    def _activate(self, x, room):
        self._matmul(x, self._transposed, out=room.z)
        room.z += self.bias
        self._rule.apply(room)

    def _go_back(self, delta, room, rows):
        if rows is not None:
            self._rule.fill_rows(delta, room, rows)
        if room.delta is not None:
            self._rule.chain(delta, room)

    def _fill(self, delta, room):
        self._matmul(delta.mT, room.x, out=self.weight_grad)
        self._matmul(room.ones, delta, out=self.bias_grad)  # a sum over rows, several times as fast

    def _fill_rows(self, delta, room, rows):
        weight = self._of_rows(self._units.weight, rows, *self.weight.shape)
        np.multiply(delta[:, :, None], room.x[:, None, :], out=weight)
        self._of_rows(self._units.bias, rows, self.n_units)[:] = delta

    def _go_below(self, delta, room, below):
        if self.n_units == 1:  # where no sum is to be taken
            np.multiply(delta, self.weight, out=below)
        else:
            self._matmul(delta, self.weight, out=below)


class _Learned(Slope):
    """f(z) = z above zero, w z below, with one w for each network that is learned."""

    needs_input = True

    def __init__(self, layer, places, theta, grad):
        place = self._place = places[id(layer.activation_layer.weight)]
        self._slope = theta[..., place, None] if theta.ndim > 1 else theta[place]
        self._slope_grad = grad[..., place]

    def apply(self, room):
        np.minimum(room.z, room.zeros, out=room.a)
        room.a *= self._slope - 1.0
        room.a += room.z

    def fill_rows(self, delta, room, rows):
        np.minimum(room.z, room.zeros, out=room.scratch)
        room.scratch *= delta
        room.scratch.sum(axis=-1, keepdims=True, out=rows[:, self._place])

    def chain(self, delta, room):
        z, scratch = room.z, room.scratch
        np.minimum(z, room.zeros, out=scratch)
        scratch *= delta
        scratch.reshape(*z.shape[:-2], -1).sum(axis=-1, keepdims=True, out=self._slope_grad)
        np.less_equal(z, room.zeros, out=room.mask)
        np.multiply(room.mask, self._slope - 1.0, out=scratch)
        scratch += 1.0
        delta *= scratch


class _Radial(Layer):
    """Units that answer to the distance from a centre: a = exp(-exp(b) d) with d = ‖x - c‖²."""

    needs_input = True

    def _activate(self, x, room):
        # d = ‖x‖² - 2 x·c + ‖c‖², which rounding may have brought below zero
        np.matmul(x, self.weight.mT, out=room.z)
        room.z *= -2.0
        room.z += np.square(x).sum(axis=-1, keepdims=True)
        room.z += np.square(self.weight).sum(axis=-1)[..., None, :]
        np.maximum(room.z, 0.0, out=room.z)
        np.multiply(room.z, -np.exp(self.bias), out=room.a)
        np.exp(room.a, out=room.a)

    def _go_back(self, delta, room, rows):
        # ∂/∂d, of which centres and inputs take 2 (c - x) and 2 (x - c)
        delta *= room.a
        delta *= -np.exp(self.bias)

    def _fill(self, delta, room):
        (delta * room.z).sum(axis=-2, keepdims=True, out=self.bias_grad)
        delta *= 2.0
        np.matmul(delta.mT, room.x, out=self.weight_grad)
        of_centre = delta.sum(axis=-2)[..., None] * self.weight
        np.subtract(of_centre, self.weight_grad, out=self.weight_grad)

    def _fill_rows(self, delta, room, rows):
        np.multiply(delta, room.z, out=self._of_rows(self._units.bias, rows, self.n_units))
        delta *= 2.0
        weight = self._of_rows(self._units.weight, rows, *self.weight.shape)
        np.subtract(self.weight, room.x[:, None, :], out=weight)
        weight *= delta[:, :, None]

    def _go_below(self, delta, room, below):
        np.multiply(room.x, delta.sum(axis=-1, keepdims=True), out=below)
        below -= np.matmul(delta, self.weight)


class _Periodic(Layer):
    """Columns x_c beside values Σ_f cos(2π ν_cf x_c + φ_cf) w_cfs, for each of some its own."""

    def _find(self, units, views):
        self._units = units
        self._shape = n_columns, n_waves, _ = units.weight.shape
        self._n_inputs = units.n_columns
        self._waved = None if len(units.waved) == units.n_columns else np.array(units.waved)
        self.weight, self.weight_grad = views(units.weight, *self._shape)
        self.frequency, self.frequency_grad = views(units.frequency, 1, n_columns * n_waves)
        self.phase, self.phase_grad = views(units.phase, 1, n_columns * n_waves)

    def make_room(self, n_rows, dtype):
        return _PeriodicRoom((*self._lead, n_rows), self._n_inputs, self._shape, dtype)

    def _activate(self, x, room):
        room.a[..., : self._n_inputs] = x
        if self._waved is None:
            room.waved = x
        else:
            np.take(x, self._waved, axis=-1, out=room.waved, mode="clip")
        np.multiply(room.waved[..., None], 2.0 * np.pi, out=room.each_angle)
        room.angles *= self.frequency
        room.angles += self.phase
        np.cos(room.angles, out=room.waves)
        np.matmul(room.waves_of_columns, self.weight, out=room.values)

    def _go_back(self, delta, room, rows):
        # δ becomes ∂/∂angle, of which phases take the sum and frequencies the sum of 2π x
        np.matmul(room.delta_values, self.weight.mT, out=room.delta_of_columns)
        np.sin(room.angles, out=room.angles)
        room.delta_angles *= room.angles

    def _fill(self, delta, room):
        np.matmul(room.waves_of_columns.mT, room.delta_values, out=self.weight_grad)
        self._matmul(room.minus_ones, room.delta_angles, out=self.phase_grad)
        room.each_delta_angle *= room.waved[..., None]
        self._matmul(room.minus_ones, room.delta_angles, out=self.frequency_grad)
        self.frequency_grad *= 2.0 * np.pi

    def _fill_rows(self, delta, room, rows):
        n_columns, n_waves, _ = self._shape
        # of shape (n, n_columns, n_waves, n_values)
        weight = self._of_rows(self._units.weight, rows, *self._shape)
        waves, values = (v.swapaxes(0, 1) for v in (room.waves_of_columns, room.delta_values))
        np.multiply(waves[..., None], values[..., None, :], out=weight)
        phase = self._of_rows(self._units.phase, rows, n_columns, n_waves)
        np.negative(room.each_delta_angle, out=phase)
        frequency = self._of_rows(self._units.frequency, rows, n_columns, n_waves)
        np.multiply(phase, 2.0 * np.pi * room.waved[..., None], out=frequency)


class _PeriodicRoom:
    """The arrays of a periodic layer for batches of one size, and how columns see them."""

    kept = waved = None

    def __init__(self, lead, n_inputs, shape, dtype):
        self._lead, self._n_inputs, self._shape = lead, n_inputs, shape
        n_columns, n_waves, n_values = shape
        self.a = np.empty((*lead, n_inputs + n_columns * n_values), dtype)
        self.values = self._by_column(self.a[..., n_inputs:], n_values)
        if n_columns < n_inputs:
            self.waved = np.empty((*lead, n_columns), dtype)
        self.angles, self.waves = (np.empty((*lead, n_columns * n_waves), dtype) for _ in range(2))
        self.each_angle = self.angles.reshape(*lead, n_columns, n_waves)
        self.waves_of_columns = self._by_column(self.waves, n_waves)

    def make_delta(self):
        """Make what the way back needs."""
        n_columns, n_waves, n_values = self._shape
        self.delta, self.delta_angles = np.empty_like(self.a), np.empty_like(self.angles)
        self.delta_values = self._by_column(self.delta[..., self._n_inputs :], n_values)
        self.each_delta_angle = self.delta_angles.reshape(*self._lead, n_columns, n_waves)
        self.delta_of_columns = self._by_column(self.delta_angles, n_waves)
        self.minus_ones = np.full((1, self._lead[-1]), -1.0, self.a.dtype)

    def forget(self):
        """Let go of the inputs, which belong to others."""
        self.x = None
        if self._shape[0] == self._n_inputs:
            self.waved = None

    def _by_column(self, array, n):
        """Return a view of shape ([K,] n_columns, n_rows, n)."""
        return array.reshape(*self._lead, self._shape[0], n).swapaxes(-3, -2)


#: The classes of layers by the kinds of `PlainLayer`.
KINDS = {"linear": _Linear, "radial": _Radial, "periodic": _Periodic}
