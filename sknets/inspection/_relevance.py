"""Which values of a row of X a raw output is made of: layer-wise relevance propagation."""

import copy

import torch
from torch import nn

from sknets._plain_torch import in_plain_torch
from sknets.inspection._captum import import_captum
from sknets.inspection._explained import explain
from sknets.inspection._opening import open_network
from sknets.inspection._unwrap import IS_DENSE, IS_FOREIGN, SEES_IMAGES

#: Largest loss of relevance, relative to the raw output.
_TOLERANCE = 0.01


@in_plain_torch
def layer_relevance(estimator, X, target=None, rule="composite"):
    """Compute how much each value of X contributes to a raw output.

    The raw output is relevance that each layer hands down to its inputs, in proportion to what they
    contribute (layer-wise relevance propagation, LRP). None is lost: the values of a row sum to its
    raw output.

    Parameters
    ----------
    estimator : estimator
        A fitted CNN, MLP or network of your own (`ModuleClassifier`), or a pipeline, search or other
        wrapper with one of these.
    X : {array-like, sparse matrix} of shape (n_samples, ...)
        Images, signals, volumes or tables, as the estimator takes them.
    target : label, int or array-like of shape (n_samples,), default=None
        Class to explain, or one for each row; None takes the predicted class. Number of the output
        in regression, or of the label for a multilabel y.
    rule : {"composite", "epsilon"}, default="composite"
        How contributions are counted; see Notes.

    Returns
    -------
    ndarray of shape (n_samples, height, width) or (n_samples, n_features)
        Positive for what speaks for the target, negative for what speaks against it; of images summed
        over channels, (n_samples, length) for signals. Behind the steps of a pipeline, the columns are
        those that the network sees: ``pipeline[:-1].get_feature_names_out()``.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If the estimator is no such network.
    ValueError
        If the target or the rule is unknown, or if a layer has no rule (radial basis units, layers of a
        backbone or module), or a module computes between its layers, so that relevance cannot be
        followed.

    Notes
    -----
    An output z_k = Σ_j a_j w_jk hands the relevance R_k to its inputs: a_j w_jk / z_k of it to the input
    a_j (the ε rule). Biases get none. Where inputs contribute with both signs, large shares of
    both signs cancel, and maps become noisy. "composite" therefore counts, in all layers with maps
    (the first one and the sums of residual blocks included), only the contributions that have
    the sign of z_k; with positive z_k this is the z⁺ rule. Dense layers keep the ε rule. "epsilon" takes
    it everywhere. An output without any contribution shares by the sizes of its weights.

    Activations (your own, too), dropout and normalisation (batch, group, layer) hand relevance down as
    it is; a maximum hands it to the largest value, and an embedding of numbers to their column.

    The raw output is the logit of the class; for two classes it is the common logit with the sign
    of the class, and in regression the standardised prediction.

    References
    ----------
    .. [1] Bach, Binder, Montavon, Klauschen, Müller and Samek (2015). On pixel-wise explanations for
       non-linear classifier decisions by layer-wise relevance propagation. PLoS ONE 10.
    .. [2] Montavon, Binder, Lapuschkin, Samek and Müller (2019). Layer-wise relevance propagation:
       an overview. In Explainable AI, Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import layer_relevance
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target == 8)
    >>> relevance = layer_relevance(network, digits.images[:5], target=True)
    >>> p = network.predict_proba(digits.images[:5])[:, 1]
    >>> bool(np.allclose(relevance.sum(axis=(1, 2)), np.log(p / (1 - p))))
    True
    """
    if rule not in ("composite", "epsilon"):
        raise ValueError(f"rule={rule!r} is unknown; choose 'composite' or 'epsilon'.")
    captum = import_captum("layer_relevance")
    rules = import_captum("layer_relevance", "sknets.inspection._relevance_rules")
    opened = open_network(estimator, X, (SEES_IMAGES, IS_DENSE, IS_FOREIGN))
    _split_sums(opened.module, rules.Sum)
    _close_activations(opened.module)
    model = _Raw(opened)

    def attribute(rows, values, columns, signs):
        _set_rules(model, rules.make_rule, rule)  # captum takes them away each time
        try:
            relevance = captum.LRP(model).attribute(values, target=columns)
        except RuntimeError as error:
            raise ValueError(
                f"relevance cannot be followed through the layers of estimator: {error}"
            ) from error
        with torch.no_grad():
            raw = model(values).gather(1, columns[:, None])[:, 0]
        _check_sums(relevance.flatten(1).sum(dim=1), raw)
        return relevance * signs

    return explain(opened, target, attribute)


class _Raw(nn.Module):
    """The network behind its input layer."""

    def __init__(self, opened):
        super().__init__()
        self.module = opened.module
        self._raw = opened.raw

    def forward(self, values):
        return self._raw(values)


def _split_sums(module, Sum):
    """Make the sum in each residual block a layer of its own."""
    for block in module.modules():
        if hasattr(block, "shortcut") and hasattr(block, "body"):
            block.sum = Sum()
            block.forward = lambda x, b=block: b.sum(b.shortcut(x), b.body(x))
        if hasattr(block, "inplace"):
            block.inplace = False  # inputs are needed on the way back


def _close_activations(module):
    """Let each activation of a user's own be one layer, whatever it is made of."""
    for layer in list(module.modules()):
        if getattr(layer, "is_activation", False):
            inner = copy.copy(layer)
            layer._modules = {}  # the copy keeps them
            layer.forward = inner.forward


def _set_rules(model, make_rule, rule):
    for name, layer in model.named_modules():
        if next(layer.children(), None) is not None:
            continue
        layer.rule = make_rule(layer, rule)
        if layer.rule is None:
            raise ValueError(
                f"the layer {name.removeprefix('module.')!r} ({type(layer).__name__}) of estimator has "
                "no rule of relevance propagation; use integrated_gradients."
            )


def _check_sums(sums, raw):
    lost = (sums - raw).abs() > _TOLERANCE * raw.abs().clamp(min=1e-6)
    if lost.any():
        row = int(lost.nonzero()[0])
        raise ValueError(
            f"relevance is not conserved in estimator: it sums to {sums[row]:.3g}, the raw output is "
            f"{raw[row]:.3g}. A module that adds or multiplies outside of its layers cannot be followed; "
            "use integrated_gradients."
        )
