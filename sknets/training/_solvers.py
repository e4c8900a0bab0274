"""The solvers: how a gradient becomes a step.

Each class is one equation of the textbook: ``g`` is the gradient, ``ε`` the learning rate, ``δ`` the
small `epsilon`. It is written once, in place, for NumPy's arrays on a CPU, where that takes the least
time, and for Torch's tensors elsewhere. A network is the flat vector of `FlatParameters`; a stack of K is
a matrix of K rows, and what differs between them a column. The `torch.optim.Optimizer` interface is kept,
so that skorch's callbacks and checkpoints work.

A solver says all about itself. Its parameters are the keyword-only arguments of its constructor, under
the names of the estimators' parameters (`declared` reads them); `SOLVERS` has it by its name.
"""

import math
from itertools import accumulate

import numpy as np
import torch

from sknets.training._declared import declared
from sknets.training._motion import Motion, as_arrays, silent


class Solver(torch.optim.Optimizer):
    """Base of all solvers: one parameter vector, one learning rate, buffers by name.

    Parameters
    ----------
    theta : torch.nn.Parameter
        The flat parameter vector, with its gradient in `theta.grad`.
    lr : float
        Learning rate.

    Attributes
    ----------
    buffers : tuple of str
        Names of vectors as long as `theta` that a step needs.
    takes_all_rows : bool
        Whether a batch is always all rows.
    is_incremental : bool
        Whether training goes on where it stopped, epoch by epoch (`partial_fit`). What is not minimises
        by itself, which takes a smooth loss that is the same at the same weights.
    decays_weights : bool
        Whether the L2 penalty decays the weights outside the gradient.
    """

    buffers = ()
    takes_all_rows = False
    is_incremental = True
    decays_weights = False

    def __init__(self, theta, lr):
        super().__init__([theta], {"lr": lr})
        self.state[theta] = {name: torch.zeros_like(theta.detach()) for name in self.buffers}
        self.state[theta]["step"] = 0
        self._theta = theta
        self._own = None

    def add_param_group(self, param_group):
        """Take the parameters; Torch's own method imports its compiler, which takes a second."""
        self.param_groups.append({**self.defaults, "params": list(param_group["params"])})

    @property
    def lr(self):
        """The current learning rate, in skorch's and Torch's own place for it."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value):
        self.param_groups[0]["lr"] = value

    @property
    def place(self):
        """The buffers by name, and the number of steps taken."""
        return self.state[self._theta]

    def step(self, closure=None):
        """Take one step, as Torch and skorch call it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.update()
        return loss

    @property
    def parameters(self):
        """What the solver declares, beside the learning rate."""
        return tuple(getattr(self, name) for name in declared(type(self)))

    @property
    def units(self):
        """What each buffer is to be multiplied with to be the textbook's."""
        return (1.0,) * len(self.buffers)

    def holds(self, vectors):
        """Whether some vectors are the buffers, which may have been loaded or replaced."""
        return all(self.place[name] is v for name, v in zip(self.buffers, vectors, strict=True))

    def update(self):
        """Take one step along the gradient in `theta.grad`."""
        if self._own is None or not self.holds(self._own.vectors):
            self._own = Motion([self], *as_arrays(self._theta.detach(), self._theta.grad))
        with silent():
            self._own.move(self._own.plan(1)[0])
        self.advance(1)

    # --- the equation -----------------------------------------------------------------------------

    def rates(self, n, lr):
        """Return the numbers that the equation needs in each of the next n steps.

        Parameters
        ----------
        n : int
            How many.
        lr : float or ndarray of shape (n,)
            The learning rate, or that of each step.

        Returns
        -------
        list of {float, ndarray of shape (n,)}
            As `move` takes them.
        """
        raise NotImplementedError

    def advance(self, n, lr=None):
        """Count n steps as taken, at a learning rate or at that of each; None is the present one."""
        self.place["step"] += n

    @staticmethod
    def move(xp, theta, g, buffers, scratch, *rates):
        """Move theta in place along the gradient. Subclasses write their equation here.

        Parameters
        ----------
        xp : module
            `numpy` or `torch`.
        theta, g, scratch : array of shape ([K,] n)
            Parameters, their gradients, and room.
        buffers : list of array of shape ([K,] n)
            In the order of their names.
        *rates : {float, array of shape (K, 1)}
            What `rates` returns, for one step.
        """
        raise NotImplementedError

    @staticmethod
    def step_sizes(xp, buffers, scratch, *rates):
        """Return what parameters move per unit of a steady gradient, after a step with these rates.

        This is the metric of the solver, in which a proximal step must be taken.
        """
        raise NotImplementedError

    # --- states -----------------------------------------------------------------------------------

    def extra_state(self):
        """Return the buffers as NumPy arrays and plain numbers."""
        state = {
            name: value.cpu().numpy().copy() if torch.is_tensor(value) else value
            for name, value in self.place.items()
        }
        return state | {"units": self.units}

    def load_extra_state(self, arrays):
        """Continue from what `extra_state` returned, perhaps of a solver with other parameters."""
        units = dict(zip(self.buffers, zip(arrays["units"], self.units, strict=True), strict=True))
        for name, value in arrays.items():
            if torch.is_tensor(self.place.get(name)):
                buffer, (before, now) = self.place[name], units[name]
                buffer.copy_(torch.from_numpy(np.array(value)))  # perhaps a read-only map
                if before != now:
                    buffer.mul_(before / now)
            elif name != "units":
                self.place[name] = value

    def __getstate__(self):
        mine = {name: getattr(self, name) for name in declared(type(self))}
        return {**super().__getstate__(), **mine, "_theta": self._theta, "_own": None}

    def move_to(self, buffers):
        """Keep the buffers in other vectors from now on, which take over their values."""
        for name, vector in zip(self.buffers, buffers, strict=True):
            self.place[name] = vector.copy_(self.place[name])
        self._own = None


class GradientDescent(Solver):
    """Steepest descent: θ ← θ - ε g."""

    takes_all_rows = True

    def rates(self, n, lr):
        return [lr]

    @staticmethod
    def move(xp, theta, g, buffers, scratch, lr):
        xp.multiply(g, lr, out=scratch)
        theta -= scratch

    @staticmethod
    def step_sizes(xp, buffers, scratch, lr):
        return lr


class SGD(Solver):
    """Momentum: v ← ν v - ε g, θ ← θ + v; Nesterov's form looks ahead: θ ← θ + ν v - ε g."""

    buffers = ("velocity",)

    def __init__(self, theta, lr, *, momentum=0.9, nesterovs_momentum=True):
        super().__init__(theta, lr)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def rates(self, n, lr):
        # what the velocity has taken in of a steady gradient: ε / (1 - ν) at a constant rate
        sums = np.array(self._rate_sums(n, lr))
        size = self.momentum * sums + lr if self.nesterovs_momentum else sums
        # θ ← θ + a v - b g serves both forms
        ahead = (self.momentum, lr) if self.nesterovs_momentum else (1.0, 0.0)
        return [self.momentum, lr, *ahead, size]

    def _rate_sums(self, n, lr):
        rates, first = np.broadcast_to(lr, n).tolist(), self.place.get("rate_sum", 0.0)
        sums = accumulate(rates, lambda sum, rate: self.momentum * sum + rate, initial=first)
        return list(sums)[1:]

    def advance(self, n, lr=None):
        super().advance(n)
        if n:
            self.place["rate_sum"] = self._rate_sums(n, self.lr if lr is None else lr)[-1]

    @staticmethod
    def move(xp, theta, g, buffers, scratch, momentum, lr, share, ahead, size):
        (velocity,) = buffers
        xp.multiply(g, lr, out=scratch)
        velocity *= momentum
        velocity -= scratch
        xp.multiply(velocity, share, out=scratch)
        theta += scratch
        xp.multiply(g, ahead, out=scratch)
        theta -= scratch

    @staticmethod
    def step_sizes(xp, buffers, scratch, momentum, lr, share, ahead, size):
        return size


class AdaGrad(Solver):
    """Duchi et al. (2011): r ← r + g², θ ← θ - ε g / (√r + δ)."""

    buffers = ("square_sum",)

    def __init__(self, theta, lr, *, epsilon=1e-8):
        super().__init__(theta, lr)
        self.epsilon = epsilon

    def rates(self, n, lr):
        return [1.0, self.epsilon, lr]

    @staticmethod
    def move(xp, theta, g, buffers, scratch, decay, epsilon, lr):
        (square_sum,) = buffers
        square_sum *= decay
        xp.multiply(g, g, out=scratch)
        square_sum += scratch
        xp.sqrt(square_sum, out=scratch)
        scratch += epsilon
        xp.divide(g, scratch, out=scratch)
        scratch *= lr
        theta -= scratch

    @staticmethod
    def step_sizes(xp, buffers, scratch, decay, epsilon, lr):
        return _over_root(xp, lr, buffers[0], epsilon, scratch)


class RMSProp(AdaGrad):
    """Hinton (2012): r ← ρ r + (1 - ρ) g², θ ← θ - ε g / (√r + δ).

    The buffer holds r / (1 - ρ), whose recursion is r ← ρ r + g².
    """

    def __init__(self, theta, lr, *, rho=0.9, epsilon=1e-8):
        super().__init__(theta, lr, epsilon=epsilon)
        self.rho = rho

    @property
    def units(self):
        return (1.0 - self.rho,)

    def rates(self, n, lr):
        root = math.sqrt(1.0 - self.rho)
        return [self.rho, self.epsilon / root, lr / root]


class Adam(Solver):
    """Kingma and Ba (2015), with both moments corrected for their start at zero.

    s ← β₁ s + (1 - β₁) g, r ← β₂ r + (1 - β₂) g²,
    ŝ = s / (1 - β₁ᵗ), r̂ = r / (1 - β₂ᵗ), θ ← θ - ε ŝ / (√r̂ + δ).

    The buffers hold s / (1 - β₁) and r / (1 - β₂), whose recursions are s ← β₁ s + g and r ← β₂ r + g².
    """

    buffers = ("mean", "square")

    def __init__(self, theta, lr, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(theta, lr)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def units(self):
        return 1.0 - self.beta_1, 1.0 - self.beta_2

    def rates(self, n, lr):
        t = self.place["step"] + np.arange(1.0, n + 1.0)
        # ŝ = a s and √r̂ = c √r of what the buffers hold: ε ŝ / (√r̂ + δ) = (ε a / c) s / (√r + δ / c)
        a = (1.0 - self.beta_1) / (1.0 - self.beta_1**t)
        c = np.sqrt((1.0 - self.beta_2) / (1.0 - self.beta_2**t))
        return [self.beta_1, self.beta_2, self.epsilon / c, lr * a / c, lr / c]

    @staticmethod
    def move(xp, theta, g, buffers, scratch, beta_1, beta_2, epsilon, lr, size):
        mean, square = buffers
        mean *= beta_1
        mean += g
        square *= beta_2
        xp.multiply(g, g, out=scratch)
        square += scratch
        xp.sqrt(square, out=scratch)
        scratch += epsilon
        xp.divide(mean, scratch, out=scratch)
        scratch *= lr
        theta -= scratch

    @staticmethod
    def step_sizes(xp, buffers, scratch, beta_1, beta_2, epsilon, lr, size):
        return _over_root(xp, size, buffers[1], epsilon, scratch)


class AdamW(Adam):
    """Loshchilov and Hutter (2019): Adam, with the weight decay outside the gradient."""

    decays_weights = True


def _over_root(xp, rate, squares, epsilon, scratch):
    """Return ε / (√r + δ)."""
    xp.sqrt(squares, out=scratch)
    scratch += epsilon
    return rate / scratch


#: By name, in the order in which documentation lists them.
SOLVERS = {
    "gd": GradientDescent,
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
}
