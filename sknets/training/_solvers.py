"""The solvers: how a gradient becomes a step.

Each class is one equation of the textbook, on the flat vector of `FlatParameters`: ``g`` is
the gradient, ``ε`` the learning rate, ``δ`` the small `epsilon`. Operations work in place,
which makes a step of a small network several times cheaper than `torch.optim`'s; the
`torch.optim.Optimizer` interface is kept, so that skorch's callbacks and checkpoints work.

A solver says all about itself. Its parameters are the keyword-only arguments of its constructor, under
the names of the estimators' parameters (`declared` reads them); `SOLVERS` has it by its name.
"""

import math

import numpy as np
import torch


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

    def step(self, closure=None):
        """Take one step, as Torch and skorch call it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.update()
        return loss

    def update(self):
        """Take one step along the gradient in `theta.grad`."""
        state = self.state[self._theta]
        state["step"] += 1
        self._move(self._theta.detach(), self._theta.grad, state)

    def _move(self, theta, g, state):
        """Move theta in place. Subclasses write their equation here."""
        raise NotImplementedError

    def step_sizes(self, n):
        """Return what the first n parameters move per unit of a steady gradient.

        This is the metric of the solver, in which a proximal step must be taken.
        """
        return self.lr

    def extra_state(self):
        """Return the buffers as NumPy arrays and plain numbers."""
        return {
            name: value.cpu().numpy().copy() if torch.is_tensor(value) else value
            for name, value in self.state[self._theta].items()
        }

    def load_extra_state(self, arrays):
        """Continue from what `extra_state` returned."""
        state = self.state[self._theta]
        for name, value in arrays.items():
            if torch.is_tensor(state.get(name)):
                state[name].copy_(torch.from_numpy(np.array(value)))  # perhaps a read-only map
            else:
                state[name] = value


class GradientDescent(Solver):
    """Steepest descent: θ ← θ - ε g."""

    takes_all_rows = True

    def _move(self, theta, g, state):
        theta.add_(g, alpha=-self.lr)


class SGD(Solver):
    """Momentum: v ← ν v - ε g, θ ← θ + v; Nesterov's form looks ahead: θ ← θ + ν v - ε g."""

    buffers = ("velocity",)

    def __init__(self, theta, lr, *, momentum=0.9, nesterovs_momentum=True):
        super().__init__(theta, lr)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def _move(self, theta, g, state):
        lr = self.lr
        state["rate_sum"] = self.momentum * state.get("rate_sum", 0.0) + lr
        velocity = state["velocity"].mul_(self.momentum).add_(g, alpha=-lr)
        if self.nesterovs_momentum:
            theta.add_(velocity, alpha=self.momentum).add_(g, alpha=-lr)
        else:
            theta.add_(velocity)

    def step_sizes(self, n):
        # what the velocity has taken in of a steady gradient: ε / (1 - ν) at a constant rate
        rate_sum = self.state[self._theta].get("rate_sum", 0.0)
        return self.momentum * rate_sum + self.lr if self.nesterovs_momentum else rate_sum


class AdaGrad(Solver):
    """Duchi et al. (2011): r ← r + g², θ ← θ - ε g / (√r + δ)."""

    buffers = ("square_sum",)

    def __init__(self, theta, lr, *, epsilon=1e-8):
        super().__init__(theta, lr)
        self.epsilon = epsilon
        self._scale = torch.empty_like(theta.detach())

    def _move(self, theta, g, state):
        state["square_sum"].addcmul_(g, g)
        torch.sqrt(state["square_sum"], out=self._scale).add_(self.epsilon)
        theta.addcdiv_(g, self._scale, value=-self.lr)

    def step_sizes(self, n):
        return self.lr / self._scale[:n]


class RMSProp(AdaGrad):
    """Hinton (2012): r ← ρ r + (1 - ρ) g², θ ← θ - ε g / (√r + δ)."""

    def __init__(self, theta, lr, *, rho=0.9, epsilon=1e-8):
        super().__init__(theta, lr, epsilon=epsilon)
        self.rho = rho

    def _move(self, theta, g, state):
        state["square_sum"].mul_(self.rho).addcmul_(g, g, value=1.0 - self.rho)
        torch.sqrt(state["square_sum"], out=self._scale).add_(self.epsilon)
        theta.addcdiv_(g, self._scale, value=-self.lr)


class Adam(Solver):
    """Kingma and Ba (2015), with both moments corrected for their start at zero.

    s ← β₁ s + (1 - β₁) g, r ← β₂ r + (1 - β₂) g²,
    ŝ = s / (1 - β₁ᵗ), r̂ = r / (1 - β₂ᵗ), θ ← θ - ε ŝ / (√r̂ + δ).
    """

    buffers = ("mean", "square")

    def __init__(self, theta, lr, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(theta, lr)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._scale = torch.empty_like(theta.detach())
        self._root = 1.0

    def _move(self, theta, g, state):
        step = state["step"]
        mean = state["mean"].lerp_(g, 1.0 - self.beta_1)
        square = state["square"].mul_(self.beta_2).addcmul_(g, g, value=1.0 - self.beta_2)
        # √r̂ + δ = (√r + δ c) / c with c = √(1 - β₂ᵗ)
        self._root = math.sqrt(1.0 - self.beta_2**step)
        torch.sqrt(square, out=self._scale).add_(self.epsilon * self._root)
        theta.addcdiv_(mean, self._scale, value=-self.lr * self._root / (1.0 - self.beta_1**step))

    def step_sizes(self, n):
        return self.lr * self._root / self._scale[:n]


class AdamW(Adam):
    """Loshchilov and Hutter (2019): Adam, with the weight decay outside the gradient."""

    decays_weights = True


#: By name, in the order in which documentation lists them.
SOLVERS = {
    "gd": GradientDescent,
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
}
