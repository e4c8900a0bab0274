"""How each kind of layer hands relevance down: the rules of layer-wise relevance propagation.

Relevance R_k of an output z_k = Σ_j a_j w_jk goes to the inputs a_j in proportion to their contributions
a_j w_jk. Biases get none, so a layer hands down what it was given. This file needs captum.
"""

import torch
from captum.attr._utils.lrp_rules import PropagationRule
from torch import nn

#: Sums of contributions that count as zero.
_TINY = 1e-12


class _Handed(torch.autograd.Function):
    """The outputs of a layer, whose backward pass carries relevance in the place of gradients."""

    @staticmethod
    def forward(ctx, hand_down, outputs, *inputs):
        ctx.hand_down = hand_down
        return outputs.clone()

    @staticmethod
    def backward(ctx, relevance):
        with torch.enable_grad():
            return None, None, *ctx.hand_down(relevance)


class Rule(PropagationRule):
    """A rule of captum that says in one function how relevance goes from outputs to inputs."""

    def hand_down(self, layer, inputs, relevance):
        """Return the relevance of each input of a layer."""
        raise NotImplementedError

    def _manipulate_weights(self, module, inputs, outputs):
        """Change nothing: the contributions are those of the network as it is."""

    def forward_hook(self, module, inputs, outputs):
        kept = [x.detach() for x in inputs]
        return _Handed.apply(
            lambda relevance: self.hand_down(module, kept, relevance), outputs.detach(), *inputs
        )


class Pass(Rule):
    """Value by value as it is: activations, dropout, normalisation."""

    def hand_down(self, layer, inputs, relevance):
        return (relevance,)


class Route(Rule):
    """To where each output comes from: the largest of a window, values moved or left out."""

    def hand_down(self, layer, inputs, relevance):
        (x,) = inputs
        x.requires_grad_()
        return torch.autograd.grad(type(layer).forward(layer, x), x, relevance)


class Gather(Rule):
    """To the column that each output is made of: embeddings of numbers."""

    def hand_down(self, layer, inputs, relevance):
        return (torch.zeros_like(inputs[0]).index_add(1, layer.column, relevance),)


class Pad(Route):
    """Like `Route`; what falls onto the padding is shared by all values of the image."""

    def hand_down(self, layer, inputs, relevance):
        (kept,) = super().hand_down(layer, inputs, relevance)
        lost = relevance.flatten(1).sum(dim=1) - kept.flatten(1).sum(dim=1)
        return (kept + (lost / kept[0].numel()).view(-1, *[1] * (kept.ndim - 1)),)


class Share(Rule):
    """In proportion to the contributions of the inputs.

    Parameters
    ----------
    by_sign : bool
        Whether only contributions with the sign of their sum count: those that made the output what
        it is. For outputs above zero, this is the z⁺ rule. Without it, all count (the ε rule).
    """

    def __init__(self, by_sign):
        self.by_sign = by_sign

    def hand_down(self, layer, inputs, relevance):
        positive, negative = _signed_parts(layer)
        ups = [x.clamp(min=0).requires_grad_() for x in inputs]
        downs = [x.clamp(max=0).requires_grad_() for x in inputs]
        gains = positive(*ups) + negative(*downs)
        losses = positive(*downs) + negative(*ups)
        sums = gains + losses
        if self.by_sign:
            sums = torch.where(sums >= 0, gains, losses)
        is_silent = sums.abs() < _TINY
        scale = (relevance / sums.masked_fill(is_silent, 1.0)).masked_fill(is_silent, 0.0)
        gradients = torch.autograd.grad(sums, [*ups, *downs], scale, retain_graph=True)
        n = len(inputs)
        shares = [
            up * up_gradient + down * down_gradient
            for up, down, up_gradient, down_gradient in zip(
                ups, downs, gradients[:n], gradients[n:], strict=True
            )
        ]
        if is_silent.any():
            rest = _by_weight(positive, negative, inputs, relevance.masked_fill(~is_silent, 0.0))
            shares = [share + part for share, part in zip(shares, rest, strict=True)]
        return tuple(share.detach() for share in shares)


def _by_weight(positive, negative, inputs, relevance):
    """Return the shares where no input contributes: in proportion to the sizes of the weights."""
    ones = [torch.ones_like(x).requires_grad_() for x in inputs]
    reach = positive(*ones) - negative(*ones)
    return torch.autograd.grad(reach, ones, relevance / reach.clamp(min=_TINY))


def _signed_parts(layer):
    """Return the map of a layer without bias as two: its positive and its negative weights."""
    if (
        not isinstance(getattr(layer, "weight", None), torch.Tensor)
        or _kind(layer) == "WeightedPool"
    ):
        forward = type(layer).forward
        return (lambda *x: forward(layer, *x)), (lambda *x: torch.zeros(()).to(x[0]))
    weight = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        apply = nn.functional.linear
    else:
        direct = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weight.ndim]

        def apply(x, w):
            return direct._conv_forward(layer, x, w, None)

    return (lambda x: apply(x, weight.clamp(min=0))), (lambda x: apply(x, weight.clamp(max=0)))


class Sum(nn.Module):
    """The sum of two branches as a layer, so that it can have a rule."""

    def forward(self, x, y):
        return x + y


_PASSED = {
    *("Identity", "Dropout", "SpatialDropout", "_DropoutNd", "FeatureAlphaDropout", "AlphaDropout"),
    *("ReLU", "Tanh", "Sigmoid", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "ReLU6", "Hardswish"),
    *("Hardtanh", "Mish", "Softplus", "SELU", "CELU"),
    *("_BatchNorm", "_InstanceNorm", "GroupNorm", "LayerNorm"),
}
_ROUTED = {"FlattenMaps", "Flatten", "Unflatten", "Downsample", "_MaxPoolNd", "_AdaptiveMaxPoolNd"}
_PADDED = {"_ConstantPadNd"}
_AVERAGED = {"_AvgPoolNd", "_AdaptiveAvgPoolNd", "WeightedPool", "Sum"}
_EMBEDDED = {"PiecewiseLinear", "Periodic"}
_CONVOLVED = {"Conv1d", "Conv2d", "Conv3d"}


def _kind(layer):
    """Return the first name by which a layer, or a class it derives from, is known here."""
    known = {
        *_PASSED,
        *_ROUTED,
        *_PADDED,
        *_AVERAGED,
        *_CONVOLVED,
        *_EMBEDDED,
        "Linear",
        "GlobalPool",
        "ImageInput",
    }
    return next((c.__name__ for c in type(layer).__mro__ if c.__name__ in known), None)


def make_rule(layer, rule):
    """Make the rule of a layer, or return None if there is none.

    Parameters
    ----------
    layer : torch.nn.Module
        A module without children.
    rule : {"composite", "epsilon"}
        "composite" shares by sign in all layers with maps, and by ε in dense ones.
    """
    if getattr(layer, "is_activation", False):
        return Pass()
    kind = _kind(layer)
    if kind == "GlobalPool":
        kind = "_AdaptiveAvgPoolNd" if layer.name == "average" else "_AdaptiveMaxPoolNd"
    if kind in _PASSED or kind == "ImageInput":  # the input layer stands before what is explained
        return Pass()
    if kind in _ROUTED:
        return Route()
    if kind in _PADDED:
        return Pad()
    if kind in _EMBEDDED:
        return Gather()
    if kind in _AVERAGED or kind in _CONVOLVED:
        return Share(by_sign=rule == "composite")
    return Share(by_sign=False) if kind == "Linear" else None
