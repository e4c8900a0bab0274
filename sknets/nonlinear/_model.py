"""The user's model: its values and exact derivatives, and what is wrong with it, in words.

J is computed by Torch's backward pass alone: u'J is linear in u, and its derivatives by u are the columns
of J, q of them for q parameters. That is as exact as Torch's forward derivatives, in half of the time,
and does not import its compiler, which would take the first fit of each process over a second.
"""

from contextlib import contextmanager

import numpy as np
import torch
from torch.autograd import grad

from sknets._warn import warn_user

#: How far a parameter without a derivative is moved, in parts of itself, to see whether it has none.
_CUT_STEP = 1e-4
_USE_TORCH = "Write it in Torch operations (torch.exp, not numpy.exp) on the tensors it is given."


class NoValue(Exception):
    """The model, or Torch in deriving it, has raised at a point; the message quotes the error."""


@contextmanager
def _as_no_value():
    try:
        yield
    except (RuntimeError, ArithmeticError) as error:  # LinAlgError is a RuntimeError
        raise NoValue(f"{type(error).__name__}: {_first_line(error)}") from error


class Model:
    """A model and the X at which it is asked.

    Parameters
    ----------
    function : callable
        The user's ``model(X, theta)``.
    parameters : Parameters
        Its parameters.
    X : ndarray of shape (n_rows, n_columns)
        The rows.
    takes_column : bool, default=None
        Whether it is given the one column of X as a vector; None: it is tried at the start.

    Attributes
    ----------
    takes_column : bool
        As decided.

    Raises
    ------
    ValueError, TypeError
        If it cannot be evaluated at the start.
    """

    def __init__(self, function, parameters, X, takes_column=None):
        self._function = function
        self._parameters = parameters
        self._X = torch.tensor(X, dtype=torch.float64)  # a copy, whatever the function does to it
        self._jacobian = None
        self.takes_column = takes_column
        if takes_column is None:
            self._try_out()
            return
        if takes_column:
            self._X = self._X[:, 0]

    def values(self, point):
        """Return the model's values, of shape (n_rows,); they may be infinite or NaN."""
        with torch.no_grad(), _as_no_value():
            values = self._call(_tensor(point))
        _check_kind(values, len(self._X))
        return values.numpy()

    def finite_values(self, point):
        """Return the same, and raise ValueError if a row has none."""
        try:
            values = self.values(point)
        except NoValue as error:
            shape = tuple(self._X.shape)
            raise ValueError(f"model failed at theta_ for X of shape {shape}: {error}") from error
        is_lost = ~np.isfinite(values)
        if is_lost.any():
            row = int(np.argmax(is_lost))
            raise ValueError(
                f"model returns {values[row]} at theta_ for {is_lost.sum()} of {len(values)} rows of X "
                f"(the first is {row}). Leave them out, or take a model that has values there."
            )
        return values

    def jacobian(self, point):
        """Return their derivatives, of shape (n_rows, n_parameters)."""
        if self._jacobian is None:
            return self._find_way(point).numpy()
        with _as_no_value():
            return self._jacobian(self._call, _tensor(point).requires_grad_()).numpy()

    @property
    def has_second(self):
        """Whether Torch can derive the model twice, as far as known."""
        return self._jacobian is not _row_by_row

    def second(self, point, residuals):
        """Return the sum of residuals times second derivatives, (n_parameters, n_parameters)."""
        if not self.has_second:
            raise ValueError(
                "solver='newton' needs second derivatives, but model has an operation that can be "
                "derived once only. Choose solver='lm'."
            )
        theta = _tensor(point).requires_grad_()
        nothing = np.zeros((len(point), len(point)))
        with _as_no_value():
            values = self._call(theta)
            if not values.requires_grad:
                return nothing
            (slope,) = grad(torch.from_numpy(residuals) @ values, theta, create_graph=True)
            if not slope.requires_grad:  # a straight model
                return nothing
            return _each_alone(slope, theta).numpy()

    def _call(self, theta):
        if self._parameters.is_named:
            theta = dict(zip(self._parameters.names, theta.unbind(), strict=True))
        return self._function(self._X, theta)

    # --- at the start -----------------------------------------------------------------------------

    def _try_out(self):
        """Find out how the model takes X, and that it is one."""
        start, matrix = self._parameters.start, self._X
        n, p = matrix.shape
        values, error = self._attempt(start)
        self.takes_column = p == 1 and not _is_right(values, n)
        if self.takes_column:
            self._X = matrix[:, 0]
            as_vector, error_of_vector = self._attempt(start)
            if error_of_vector is None:
                values, error = as_vector, None
            else:
                self._X = matrix
        if error is not None:
            _refuse_numpy(error)
            raise ValueError(
                f"model failed at theta0 for X of shape ({n}, {p}): {type(error).__name__}: {error}"
            ) from error
        self._check_values(values, n)
        again, _ = self._attempt(start)
        if not torch.equal(again, values):
            raise ValueError(
                "model returned other values when it was called again. Draw no random numbers in it, and "
                "change neither X nor theta in place."
            )
        jacobian = self._find_way(start)
        self._refuse_infinite(jacobian)
        for k in torch.nonzero((jacobian == 0).all(dim=0))[:, 0].tolist():
            self._refuse_cut(start, k)
        if self._jacobian is _row_by_row:
            warn_user(
                "model has an operation whose derivative has no derivative in Torch, so its Jacobian is "
                "computed row by row, which takes longer."
            )

    def _attempt(self, start):
        try:
            with torch.no_grad():
                return self._call(_tensor(start)), None
        except Exception as error:  # whatever a function of the user's raises
            return None, error

    def _check_values(self, values, n):
        _check_kind(values, n)
        is_lost = ~torch.isfinite(values)
        if is_lost.any():
            row = int(torch.nonzero(is_lost)[0])
            raise ValueError(
                f"model returns {values[row].item()} at theta0 for {int(is_lost.sum())} of {n} rows (the "
                f"first is {row}). Choose a theta0 at which it has values, and bounds that keep it there."
            )

    def _find_way(self, point):
        """Find a way to the Jacobian; return it."""
        theta = _tensor(point).requires_grad_()
        jacobian, first_error = None, None
        for way in _WAYS if len(point) > _FEW else _WAYS[1:]:
            try:
                found = way(self._call, theta)
                if way is _row_by_row or _is_consistent(found, self._call, theta):
                    self._jacobian, jacobian = way, found
                    break
            except Exception as error:
                _refuse_numpy(error)
                first_error = first_error or error
        if jacobian is None:
            raise ValueError(
                f"model cannot be differentiated: {_first_line(first_error)} {_USE_TORCH}"
            ) from first_error
        return jacobian

    def _refuse_infinite(self, jacobian):
        is_lost = ~torch.isfinite(jacobian).all(dim=0)
        is_infinite = torch.isinf(jacobian).any(dim=0)  # and others NaN through it
        if is_lost.any():
            places = torch.nonzero(is_infinite if is_infinite.any() else is_lost)[:, 0].tolist()
            raise ValueError(
                f"model is not differentiable at theta0 with respect to {self._parameters.say(places)}: "
                "a derivative is not finite. Move theta0, or keep powers, roots and logarithms from 0."
            )

    def _refuse_cut(self, start, k):
        """Raise where values follow a parameter of which Torch knows nothing."""
        step = _CUT_STEP * (abs(start[k]) or 1.0)
        here, _ = self._attempt(start)
        slopes = []
        for move in (step, -step, step / 2, -step / 2):
            beside = start.copy()
            beside[k] += move
            values, error = self._attempt(beside)
            if error is not None:
                return
            slopes.append((values - here) / move)
        size = slopes[0].norm()
        # of a square at 0 the slopes have other signs, of a cube other sizes, of a kink only one
        is_straight = all((slope - slopes[0]).norm() <= 0.1 * size for slope in slopes[1:])
        if torch.isfinite(size) and size * step > 1e-9 * here.norm() and is_straight:
            raise ValueError(
                f"model's derivative by {self._parameters.say([k])} is cut (.item(), float(), math, "
                "detach): its values change with it, but Torch does not see how. Use operations of Torch."
            )


def _tensor(point):
    return torch.tensor(point, dtype=torch.float64)


def _by_columns(call, theta):
    """Return J, all columns in one pass."""
    return _turned(call, theta, _each)


def _one_by_one(call, theta):
    """Return J by a pass for each column: for operations that take no batches of gradients."""
    return _turned(call, theta, _each_alone)


def _row_by_row(call, theta):
    """Return J by a pass for each row: for operations that can be derived once only."""
    values = call(theta)
    return _each_alone(values, theta)


#: In the order in which they are tried; a few columns are as fast one by one, without an import.
_WAYS = (_by_columns, _one_by_one, _row_by_row)
_FEW = 4


def _turned(call, theta, each):
    values = call(theta)
    if not values.requires_grad:  # it does not depend on theta, or has cut the tie
        return values.new_zeros((len(values), len(theta)))
    u = torch.zeros_like(values, requires_grad=True)
    (product,) = grad(values @ u, theta, create_graph=True)
    return each(product, u).T


def _each(outputs, inputs):
    """Return the derivatives of each output."""
    eye = torch.eye(len(outputs), dtype=outputs.dtype)
    return grad(outputs, inputs, eye, is_grads_batched=True)[0]


def _each_alone(outputs, inputs):
    """Return the same by a pass for each; weights of outputs would make Torch import its compiler."""
    return torch.stack([grad(one, inputs, retain_graph=True)[0] for one in outputs])


def _is_consistent(jacobian, call, theta):
    """Return whether u'J is what a backward pass gives for some u."""
    values = call(theta)
    if not values.requires_grad:
        return True
    u = torch.linspace(0.5, 1.5, len(values), dtype=values.dtype)
    (product,) = grad(values @ u, theta)
    limit = 1e-8 * (u[:, None] * jacobian).abs().sum(dim=0)
    return bool(((u @ jacobian - product).abs() <= limit)[torch.isfinite(product)].all())


def _check_kind(values, n):
    """Raise where values are not a float64 number for each row."""
    if not isinstance(values, torch.Tensor):
        raise TypeError(f"model must return a tensor, got {type(values).__name__}. {_USE_TORCH}")
    if values.shape != (n,):
        raise ValueError(
            f"model must return a number for each row, a tensor of shape ({n},), got shape "
            f"{tuple(values.shape)}. Columns are X[:, 0], X[:, 1] and so on."
        )
    if values.dtype != torch.float64:
        raise TypeError(
            f"model must return float64, as X and theta are, got {values.dtype}. Leave out what "
            "casts them, such as .float(), and make tensors in it with dtype=X.dtype."
        )


def _is_right(values, n):
    return isinstance(values, torch.Tensor) and values.shape == (n,)


def _first_line(error):
    return f"{str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}"


def _refuse_numpy(error):
    """Raise where an error comes from NumPy on tensors."""
    words = str(error).lower()
    if "numpy" in words or "ndarray" in words or "__array__" in words:
        raise TypeError(f"model uses NumPy: {_first_line(error)} {_USE_TORCH}") from error
