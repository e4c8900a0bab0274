"""Why a network is poor on its training rows, in the order in which causes explain each other."""

import math

import numpy as np
from sklearn.preprocessing import StandardScaler

from sknets.inspection._unwrap import IS_DENSE
from sknets.inspection.diagnosis._finding import (
    Finding,
    Remedy,
    known_changes,
    remedies_of,
    rounded,
)
from sknets.inspection.diagnosis._penalty_findings import (
    find_constant_prediction,
    find_regularised_too_much,
)
from sknets.inspection.diagnosis._question import margin

_STEP = 0.01  # length of a first step, beside the weights, with which networks learn well
_LONG, _SHORT = 0.08, 8e-4  # steps that are too long, too short
_FAR_TOO_LONG = 0.5
_RESTLESS = 0.05  # mean jump of the loss, beside it
_NOTHING = 0.95  # of the loss of a constant prediction
_MOST_DEAD, _MOST_SATURATED = 0.6, 0.6
_VANISHED = 0.01  # gradient of the first layer beside the last
_FALLS = 0.04  # share of the loss by which it fell in the last quarter of the epochs
_STILL = 1e-3  # a fall that is none
_SHORT_GRADIENT = 0.1  # norm to which none that teaches is shortened
_NARROW = 4  # units of a layer that lets little through
_MISSED = 0.6, 0.1  # recall of a rare class, and skill that balanced classes bring
_MOST_NAMES = 5


def find_unscaled(m):
    """Find columns from which a network hardly learns."""
    found = [] if m.columns is None else m.columns.out_of_scale()
    if not len(found):
        return None
    names = getattr(m.network, "feature_names_in_", None)
    first = [
        f"{i if names is None or len(names) != len(m.columns.mean) else names[i]} (mean {mean:.3g}, "
        f"deviation {deviation:.3g})"
        for i, mean, deviation in m.columns.rounded(found[:_MOST_NAMES])
    ]
    evidence = {
        "n_columns_out_of_scale": len(found),
        "largest_deviation": float(m.columns.deviation.max()),
        "smallest_deviation": float(m.columns.deviation.min()),
    }
    inner = known_changes(m, {"input_scaling": "standardize"})
    words = "Standardise the columns of X."
    remedy = Remedy(words, inner) if inner else Remedy(words, scaler=StandardScaler())
    return Finding(
        "unscaled columns",
        f"{len(found)} of {len(m.columns.mean)} columns of X are in a scale from which a network hardly "
        f"learns: {', '.join(first)}.",
        evidence,
        [remedy],
    )


def find_rate_too_high(m):
    """Find steps so long that the loss jumps about, or nothing is learned."""
    restless = m.unrest > _RESTLESS or m.train_loss > _NOTHING * m.constant_loss
    restless |= m.step > _FAR_TOO_LONG
    if not (m.step > _LONG and restless):
        return None
    rate = m.network.learning_rate_init
    new = rounded(min(rate * _STEP / m.step, rate / 5))
    evidence = {"step_to_weight": m.step, "learning_rate_init": rate}
    jumps = ""
    if not math.isnan(m.unrest):
        evidence["unrest_of_loss"] = m.unrest
        jumps = f", and the training loss jumps by {m.unrest:.0%} of itself from epoch to epoch"
    options = [
        ("Lower the rate:", {"learning_rate_init": new}),
        ("Let it fall:", {"learning_rate": "cosine", "learning_rate_init": rounded(new * 3)}),
    ]
    if m.network.solver == "sgd":  # steps of others are as long, however long the gradient is
        options.append(("Shorten long gradients:", {"max_grad_norm": 1.0}))
    return Finding(
        "rate too high",
        f"A first step is {m.step:.2g} times as long as the weights (0.01 is usual){jumps}.",
        evidence,
        remedies_of(m, *options),
    )


def find_dead_units(m):
    """Find rectifiers that put out zero for every row."""
    if not m.dead >= _MOST_DEAD:
        return None
    return Finding(
        "dead units",
        f"In a layer {m.dead:.0%} of the units put out zero for every row, and have no gradient.",
        {"dead_units": m.dead},
        remedies_of(
            m,
            ("Start again, with an activation that cannot die:", {"activation": "leaky_relu"}),
            ("Or normalise each layer:", {"normalization": "batch"}),
            (
                "Or start again with a lower rate:",
                {"learning_rate_init": rounded(m.network.learning_rate_init / 3)},
            ),
        ),
    )


def find_saturated_units(m):
    """Find activations that stand at their limits, where they are flat."""
    if not m.saturated >= _MOST_SATURATED:
        return None
    return Finding(
        "saturated units",
        f"In a layer {m.saturated:.0%} of the outputs stand at a limit of the activation, where it is "
        "flat.",
        {"saturated_outputs": m.saturated},
        remedies_of(
            m,
            ("Start again, with an activation without limits:", {"activation": "relu"}),
            ("Or normalise each layer:", {"normalization": "batch"}),
        ),
    )


def find_vanishing_gradients(m):
    """Find a first layer that hears nothing of the loss."""
    if m.inside is None or not m.inside.depth_ratio < _VANISHED:
        return None
    ratio = m.inside.depth_ratio
    return Finding(
        "vanishing gradients",
        f"The gradient of the first of {len(m.inside.weights)} layers is {ratio:.1e} times that of the "
        "last: the first ones do not learn.",
        {"first_to_last_gradient": ratio, "n_layers": len(m.inside.weights)},
        remedies_of(
            m,
            ("Another activation:", {"activation": "relu"}),
            ("Or normalise each layer:", {"normalization": "batch"}),
        ),
    )


def find_rate_too_low(m):
    """Find steps so short that the weights stay where they were."""
    if not m.step < _SHORT:
        return None
    rate, longest = m.network.learning_rate_init, m.network.max_grad_norm
    new = rounded(max(rate * _STEP / m.step, 5 * rate))
    shortened, options = "", [("Raise the rate:", {"learning_rate_init": new})]
    if m.network.solver == "sgd" and longest is not None and longest < _SHORT_GRADIENT:
        shortened = f"max_grad_norm={longest} shortens gradients. "
        options.insert(0, ("Leave gradients as long as they are:", {"max_grad_norm": None}))
    return Finding(
        "rate too low",
        f"{shortened}A first step is {m.step:.1e} times as long as the weights (0.01 is usual), and "
        f"{m.n_steps} steps have hardly moved them.",
        {"step_to_weight": m.step, "n_steps": m.n_steps, "learning_rate_init": rate},
        remedies_of(m, *options),
    )


def find_imbalance(m):
    """Find rare classes that are not predicted, where a model with balanced classes would."""
    if m.reference is None or not m.shares:
        return None
    rare, share = min(m.shares.items(), key=lambda pair: pair[1])
    now = m.valid_skill if m.has_valid else m.train_skill
    recall, gain = _MISSED
    others = max(now, m.reference.linear)  # who does not balance
    if not m.reference.weighted > others + gain or not m.recalls.get(rare, 1.0) < recall:
        return None
    return Finding(
        "imbalance",
        f"Class {rare!r} has {share:.1%} of the rows, of which {m.recalls[rare]:.0%} are predicted "
        f"right. A linear model with balanced classes has the skill {m.reference.weighted:.2g}, the "
        f"network {now:.2g}.",
        {
            "share_of_rarest_class": share,
            "its_recall": m.recalls[rare],
            "balanced_linear_skill": m.reference.weighted,
        },
        remedies_of(m, ("Let all classes weigh the same:", {"class_weight": "balanced"})),
    )


def find_stopped_too_early(m):
    """Find a training that was over while the loss still fell."""
    falls = m.fall > _FALLS or (not m.is_trained and not m.fall <= _STILL)
    if not falls or (m.is_minimised and not m.is_at_work):
        return None
    changes = {"max_iter": max(200, 10 * m.network.max_iter)}
    if not m.is_at_work:
        changes["n_iter_no_change"] = max(20, 2 * _whole(m.network.n_iter_no_change))
    fall = (
        ""
        if math.isnan(m.fall)
        else f", and the loss still fell by {m.fall:.0%} of itself in the last"
    )
    return Finding(
        "stopped too early",
        f"Training took {len(m.losses)} epochs with {m.n_steps} steps{fall}.",
        {"n_epochs": len(m.losses), "n_steps": m.n_steps, "last_fall_of_loss": m.fall},
        remedies_of(m, ("Train longer:", changes)),
    )


def find_unfinished(m):
    """Find a training that has hardly begun, of a network that is better on its training rows already."""
    is_unfinished = m.is_at_work and not m.is_trained and m.train_loss > 0.5 * m.constant_loss
    return find_stopped_too_early(m) if is_unfinished else None


def _whole(number):
    return int(number) if np.isfinite(number) else 10


def find_too_small(m):
    """Find a network too small for what there is to learn."""
    narrowest = math.nan if m.inside is None else m.inside.narrowest
    larger = remedies_of(m, *_larger(m)) or [Remedy("A larger module: more units, or layers.")]
    longer = ("Or train longer:", {"max_iter": 5 * m.network.max_iter})
    size = {"narrowest_layer": narrowest, "n_parameters": m.network.n_parameters_}
    return Finding(
        "too small",
        f"Nothing else explains it; the network has {m.network.n_parameters_} "
        f"parameters{'' if math.isnan(narrowest) else f', its narrowest layer {narrowest} units'}.",
        {name: value for name, value in size.items() if not math.isnan(value)},
        [*larger, *remedies_of(m, longer)],
    )


def find_too_narrow(m):
    """Find so few units, or layers, that they are named before the training."""
    if m.inside is None or not m.is_trained:
        return None
    return find_too_small(m) if m.inside.narrowest <= _NARROW or _is_only_linear(m) else None


def _is_only_linear(m):
    """Return whether it has no hidden layer and is as good as a linear model, and trees are better."""
    if len(m.inside.weights) > 1 or m.reference is None:
        return False
    linear, near = m.reference.linear_folds, margin(m.n_seen)
    return m.reference.trees_folds > linear + near and m.train_skill > linear - near


def _larger(m):
    """Yield larger sizes by the parameters of each family."""
    for name, least in (
        ("recurrent_layer_sizes", 64),
        ("conv_channels", 32),
        ("hidden_layer_sizes", 100),
    ):
        sizes = getattr(m.network, name, None)
        if sizes is None or isinstance(sizes, str):
            continue
        new = tuple(max(least, 4 * size) for size in np.atleast_1d(sizes).tolist())
        if new or IS_DENSE.fits(m.network):
            yield "A larger network:", {name: new or (least,)}


TRAINING = (
    find_unscaled,
    find_constant_prediction,
    find_rate_too_high,
    find_dead_units,
    find_saturated_units,
    find_vanishing_gradients,
    find_rate_too_low,
    find_regularised_too_much,
    find_imbalance,
)
#: What is looked for if none of these is found: the first that is.
TOO_LITTLE = (find_too_narrow, find_stopped_too_early, find_too_small)
