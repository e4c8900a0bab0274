"""
Why depth works, where it does
==============================

A wide layer can approximate anything; a deep network can write some things down with far fewer weights.
Two families of functions show it. A layer that folds its input doubles the number of teeth of all layers
before it, so teeth grow exponentially with depth and only linearly with width (Telgarsky, 2016). And a
function that is put together from functions of two variables, as a tree, needs a number of weights that
grows linearly with the columns, if the network is put together likewise; for one layer the bounds grow
exponentially (Mhaskar, Liao and Poggio, 2017).

That a network can write a function down does not mean that training finds it, nor that a table is such a
function. Both are measured below, too.

References: Telgarsky (2016), Benefits of depth in neural networks, COLT. Mhaskar, Liao and Poggio (2017),
When and why are deep networks better than shallow ones?, AAAI. Poggio, Mhaskar, Rosasco, Miranda and Liao
(2017), Why and when can deep, but not shallow, networks avoid the curse of dimensionality, International
Journal of Automation and Computing 14.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import MLPClassifier, MLPRegressor, ModuleRegressor

DEEP, SHALLOW, TREE, INK = "#1f5f8b", "#d1603d", "#3f8f5f", "0.25"
INKS = {1: SHALLOW, 3: "#7fb2d5", 6: DEEP}

# %%
# Folding
# -------
# Two units fold the interval [0, 1]: 2 relu(x) - 4 relu(x - 1/2) goes up to 1 and down again. Folded k
# times, it is a sawtooth of 2^k straight pieces, by 2k units. One layer has a kink for each unit, and
# needs 2^k of them. Both networks are written down here, weight by weight.


def sawtooth(x, n_folds):
    """Return x folded so many times, without a network."""
    for _ in range(n_folds):
        x = 1 - abs(1 - 2 * x)
    return x


def layer(weight, bias):
    """Return a linear layer with these weights."""
    made = nn.Linear(len(weight[0]), len(weight), dtype=torch.float64)
    made.weight.data, made.bias.data = torch.tensor(weight).double(), torch.tensor(bias).double()
    return made


def folding_network(n_folds):
    """Return a network of `n_folds` layers of two units each."""
    layers = [layer([[1.0], [1.0]], [0.0, -0.5]), nn.ReLU()]
    for _ in range(n_folds - 1):
        layers += [layer([[2.0, -4.0]] * 2, [0.0, -0.5]), nn.ReLU()]
    return nn.Sequential(*layers, layer([[2.0, -4.0]], [0.0]))


def kinked_network(n_folds):
    """Return a network of one layer, with a unit for each straight piece."""
    pieces = 2**n_folds
    kinks = [-j / pieces for j in range(pieces)]
    changes = [float(pieces)] + [2.0 * pieces * (-1) ** j for j in range(1, pieces)]
    return nn.Sequential(layer([[1.0]] * pieces, kinks), nn.ReLU(), layer([changes], [0.0]))


def count_units(network):
    """Return the number of hidden units of a network."""
    return sum(part.out_features for part in network if isinstance(part, nn.Linear)) - 1


def largest_error(network, n_folds):
    """Return how far the output is from the sawtooth."""
    x = np.linspace(0, 1, 1025)[:, None]
    with torch.no_grad():
        return abs(network(torch.as_tensor(x)).numpy() - sawtooth(x, n_folds)).max()


# %%
# Does training find it?
# ----------------------
# Networks with twice as many units as are needed, k layers of four, are trained on 1,025 points of the
# curve; so are networks with one layer and as many weights. The best of three starts counts.


def width_of(n_parameters, n_layers, n_inputs, n_outputs=1):
    """Return the width with which a network of equal layers has at most so many parameters."""

    def count(w):
        return (n_inputs + 1) * w + (n_layers - 1) * (w + 1) * w + (w + 1) * n_outputs

    return max(w for w in range(1, 1000) if count(w) <= n_parameters)


def train_on_sawtooth(n_folds):
    """Return the unexplained share of variance of the best deep and the best shallow network."""
    x = np.linspace(0, 1, 1025)[:, None]
    y, n_parameters = sawtooth(x[:, 0], n_folds), 20 * n_folds - 7
    shapes = (4,) * n_folds, (width_of(n_parameters, 1, 1),)
    settings = {"learning_rate": "cosine", "learning_rate_init": 0.02, "batch_size": 64}
    settings["max_iter"] = 150

    def unexplained(shape, seed):
        network = MLPRegressor(hidden_layer_sizes=shape, random_state=seed, **settings)
        return 1 - network.fit(4 * x - 2, y).score(4 * x - 2, y)

    return [min(unexplained(shape, seed) for seed in range(3)) for shape in shapes]


# %%
# A tree of functions
# -------------------
# Eight columns go in pairs into h(a, b) = sin(1.6 (a + b)), the four results in pairs again, and the two
# that are left once more. One network has this shape: for each h a layer of w units that sees two numbers
# and returns one. Others are dense, with one, three or six layers of the same number of parameters.


def tree_function(X):
    """Return h of h of h of pairs."""
    while X.shape[1] > 1:
        X = np.sin(1.6 * (X[:, ::2] + X[:, 1::2]))
    return X[:, 0]


class Tree(nn.Module):
    """A network of small networks, each of which sees two numbers."""

    def __init__(self, n_inputs, n_outputs, width):
        super().__init__()
        levels, n_pairs = [], n_inputs // 2
        while n_pairs:
            hidden = nn.Conv1d(2 * n_pairs, width * n_pairs, 1, groups=n_pairs)
            levels += [hidden, nn.Tanh(), nn.Conv1d(width * n_pairs, n_pairs, 1, groups=n_pairs)]
            n_pairs //= 2
        self.levels = nn.Sequential(*levels)

    def forward(self, x):
        """Return the output of the root."""
        return self.levels(x[:, :, None])[:, :, 0]


def compare_on_tree(widths=(4, 8, 16), n_seeds=3):
    """Return, for each kind of network, parameters and unexplained shares of new rows."""
    rng = np.random.default_rng(0)
    X, new = rng.uniform(-1, 1, (3000, 8)), rng.uniform(-1, 1, (5000, 8))
    y, truth = tree_function(X), tree_function(new)
    settings = {"learning_rate": "cosine", "learning_rate_init": 0.02, "batch_size": 100}
    settings["max_iter"] = 80

    def errors(make):
        fits = [make(seed).fit(X, y) for seed in range(n_seeds)]
        return fits[0].n_parameters_, [1 - fit.score(new, truth) for fit in fits]

    found = {kind: [] for kind in ("tree", 1, 3, 6)}
    for width in widths:
        found["tree"].append(
            errors(
                lambda seed, w=width: ModuleRegressor(
                    Tree, module_params={"width": w}, random_state=seed, **settings
                )
            )
        )
        for n_layers in (1, 3, 6):
            shape = (width_of(found["tree"][-1][0], n_layers, 8),) * n_layers
            found[n_layers].append(
                errors(
                    lambda seed, s=shape: MLPRegressor(
                        hidden_layer_sizes=s, activation="tanh", random_state=seed, **settings
                    )
                )
            )
    return found


# %%
# Tables
# ------
# Digits, two tables of classes and one of numbers, with one to eight layers of as many parameters, on
# the same splits. What counts is the difference to one layer, split by split.

TABLES = {
    "digits": (load_digits, MLPClassifier, 5000),
    "breast cancer": (load_breast_cancer, MLPClassifier, 2000),
    "wine": (load_wine, MLPClassifier, 2000),
    "diabetes": (load_diabetes, MLPRegressor, 2000),
}
LAYERS = (1, 2, 4, 8)


def compare_on_tables(n_splits=6):
    """Return the scores of each table: an array (n_splits, n_depths)."""
    scores = {}
    for name, (load, kind, n_parameters) in TABLES.items():
        X, y = load(return_X_y=True)
        n_outputs = len(np.unique(y)) if kind is MLPClassifier and len(np.unique(y)) > 2 else 1
        scores[name] = np.empty((n_splits, len(LAYERS)))
        for split in range(n_splits):
            X_train, X_test, y_train, y_test = train_test_split(
                X, y, test_size=0.4, random_state=split
            )
            for place, n_layers in enumerate(LAYERS):
                width = width_of(n_parameters, n_layers, X.shape[1], n_outputs)
                network = kind(
                    hidden_layer_sizes=(width,) * n_layers,
                    weight_init="he_uniform",  # without it, eight layers of relu hardly begin
                    alpha=1,
                    batch_size=32,
                    learning_rate="cosine",
                    learning_rate_init=0.003,
                    max_iter=40,
                    random_state=split,
                )
                model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
                scores[name][split, place] = model.score(X_test, y_test)
    return scores


def differences(scores):
    """Return the mean difference to one layer at each depth, and its standard error."""
    to_one = scores - scores[:, :1]
    return to_one.mean(axis=0), to_one.std(axis=0, ddof=1) / np.sqrt(len(to_one))


# %%
# The pictures
# ------------
# Above, what the sawtooth costs, and what comes of it: at three folds training leaves a third of the
# variance unexplained, and from four on it finds neither the deep network nor the wide one, though the
# deep one has twice the units that it needs. Below, the tree of functions, where one layer is hardly
# better with four times the weights, dense networks of three or six layers have half its error, and the
# network of the right shape half of that. On four tables depth gains hardly anything: two layers read a
# quarter of a point more of the digits (one of twelve comparisons may be as large by chance), eight
# narrow ones read them worse, and all else is within two standard errors of no difference.


def draw_folds(ax):
    """Draw what each layer of the folding network makes of x."""
    x = np.linspace(0, 1, 1025)
    for n_folds in range(1, 5):
        ax.plot(x, sawtooth(x, n_folds) + 1.35 * (4 - n_folds), color=DEEP)
        ax.text(1.03, 1.35 * (4 - n_folds) + 0.5, f"layer {n_folds}", va="center", color=DEEP)
    ax.set(xlim=(0, 1.2), yticks=[], xticks=[0, 0.5, 1], xlabel="x")
    ax.spines["left"].set_visible(False)
    ax.set_title("Each layer of two units folds once more")


def draw_units(ax, table):
    """Draw units against folds."""
    folds = [row[0] for row in table]
    ax.plot(folds, [row[2] for row in table], "s-", color=SHALLOW, label="one layer: $2^k$")
    ax.plot(folds, [row[1] for row in table], "o-", color=DEEP, label="k layers: 2k")
    ax.set(yscale="log", xlabel="folds k", ylabel="units", xticks=folds)
    ax.set_title("Units that write the sawtooth down")
    ax.legend(frameon=False)


def draw_training(ax, trained):
    """Draw what training finds of it."""
    folds = list(trained)
    deep, shallow = np.array(list(trained.values())).T
    ax.bar(np.array(folds) - 0.19, shallow, 0.36, color=SHALLOW, label="one layer, as many weights")
    ax.bar(np.array(folds) + 0.19, deep, 0.36, color=DEEP, label="k layers of 4")
    ax.set(xlabel="folds k", ylabel="unexplained share of variance", xticks=folds, ylim=(0, 1.25))
    ax.set_title("What training finds: best of three starts")
    ax.legend(frameon=False, loc="upper left")


def draw_tree(ax, found):
    """Draw errors on the tree of functions against the number of parameters."""
    for kind, rows in found.items():
        ink = TREE if kind == "tree" else INKS[kind]
        name = "its own shape, a tree" if kind == "tree" else f"dense, layers: {kind}"
        for n_parameters, errors in rows:
            ax.plot([n_parameters] * len(errors), errors, "o", color=ink, markersize=4, alpha=0.5)
        ax.plot([n for n, _ in rows], [np.mean(e) for _, e in rows], color=ink, label=name)
    ax.set(xscale="log", yscale="log", xlabel="parameters")
    ax.set_ylabel("unexplained share, new rows")
    ax.set_xticks([120, 240, 480], ["120", "240", "480"])
    ax.set_yticks([0.1, 0.2, 0.4], ["0.1", "0.2", "0.4"])
    ax.set_xticks([], minor=True)
    ax.set_yticks([], minor=True)
    ax.set_title("A tree of functions of two variables")
    ax.legend(frameon=False, fontsize=9)


def draw_tables(ax, scores):
    """Draw differences to one layer with two standard errors."""
    shades = ["#9ecae1", "#4292c6", DEEP]
    for place, (n_layers, ink) in enumerate(zip(LAYERS[1:], shades, strict=True), start=1):
        of_tables = [differences(each) for each in scores.values()]
        ax.errorbar(
            np.arange(len(scores)) + 0.18 * (place - 2),
            [100 * mean[place] for mean, _ in of_tables],
            [200 * error[place] for _, error in of_tables],
            fmt="o",
            capsize=3,
            color=ink,
            label=f"{n_layers} layers",
        )
    ax.axhline(0, color=SHALLOW, linewidth=1.2)
    names = [f"{name}\n{each[:, 0].mean():.3f}" for name, each in scores.items()]
    ax.set_xticks(range(len(scores)), names)
    ax.set_ylabel("score beside one layer, points ± 2 s.e.")
    ax.set_title("Tables: as many weights in more layers (below: score of one layer)")
    ax.legend(frameon=False, ncols=3, loc="lower left")


def main(path):
    """Write down, train, compare, draw."""
    import matplotlib.pyplot as plt

    table = []
    print("folds, units of the folding network, of one layer, largest errors")
    for n_folds in range(1, 9):
        networks = folding_network(n_folds), kinked_network(n_folds)
        table.append([n_folds, *(count_units(network) for network in networks)])
        print(*table[-1], *(f"{largest_error(network, n_folds):.1e}" for network in networks))

    trained = {n_folds: train_on_sawtooth(n_folds) for n_folds in range(1, 6)}
    print("\nUnexplained share of the sawtooth after training: folds, deep, one layer")
    for n_folds, (deep, shallow) in trained.items():
        print(f"{n_folds} folds  {deep:.3f} {shallow:.3f}")

    found = compare_on_tree()
    print("\nUnexplained share of a tree of functions, mean of three seeds")
    for kind, rows in found.items():
        print(f"{kind!s:6}  " + ", ".join(f"{n} parameters {np.mean(e):.3f}" for n, e in rows))

    scores = compare_on_tables()
    print("\nScore of one layer, and points more with 2, 4 and 8 layers (standard error)")
    for name, each in scores.items():
        mean, error = (100 * part for part in differences(each))
        more = "  ".join(f"{mean[k]:+.2f} ({error[k]:.2f})" for k in (1, 2, 3))
        print(f"{name:14}  {each[:, 0].mean():.3f}  {more}")

    figure, axes = plt.subplot_mosaic(
        [["folds", "units", "training"], ["tree", "tables", "tables"]],
        figsize=(14, 8.6),
        layout="constrained",
    )
    draw_folds(axes["folds"])
    draw_units(axes["units"], table)
    draw_training(axes["training"], trained)
    draw_tree(axes["tree"], found)
    draw_tables(axes["tables"], scores)
    for ax in axes.values():
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What depth can write down, and what it wins.")
    parser.add_argument("--output", default="depth.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
