"""Does `diagnose` name what is wrong? Planted faults, and healthy fits in which it should find nothing.

Each of the faults is planted five times, with other data, splits and initial weights than those by
which the limits were chosen (seeds 0 to 4; the healthy fits are the same). The first finding is right
where it has the name of the fault. Its first remedy is applied (`Diagnosis.remedied`), fitted to the same
training rows, and has to raise the held-out skill: R², or the mean recall from chance on.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _measure import on_one_thread, write_result
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_classification,
    make_friedman1,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import diagnose
from sknets.inspection.diagnosis._references import skill


def friedman(seed, n=800, noise=0.5):
    """Return Friedman's function of standardised columns, split."""
    X, y = make_friedman1(n, noise=noise, random_state=seed)
    return split(scale(X), y, seed)


def digits(seed, n=900):
    """Return some of the digits, standardised, split."""
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))[:n]
    return split(X[rows] / 8 - 0.6, y[rows], seed)


def split(X, y, seed):
    """Return X_train, X_val, y_train, y_val."""
    return train_test_split(X, y, test_size=0.3, random_state=seed)


# --- the faults ------------------------------------------------------------------------------------


def rate_too_high(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    rate = 3.0 if seed % 2 else 0.5
    return kind(learning_rate_init=rate, random_state=seed), data


def rate_too_low(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    return kind(learning_rate_init=3e-6, random_state=seed), data


def unscaled_columns(seed):
    X_train, X_val, y_train, y_val = friedman(seed)
    units = 10.0 ** np.array([5, 0, 3, -3, 0, 4, 0, 0, 2, 0])
    return MLPRegressor(random_state=seed), (X_train * units, X_val * units, y_train, y_val)


def dead_units(seed):
    """Continue from weights that a training with too high a rate has left."""
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    network = kind(hidden_layer_sizes=(50, 50), warm_start=True, max_iter=1, random_state=seed)
    return _go_on_with(network, data, lambda name, p: p.sub_(3.0) if p.ndim == 1 else None)


def saturated_units(seed):
    """Continue from weights that are far too large for tanh."""
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    options = {"activation": "tanh", "warm_start": True, "max_iter": 1}
    network = kind(hidden_layer_sizes=(50, 50), random_state=seed, **options)
    return _go_on_with(network, data, lambda name, p: p.mul_(40.0) if len(p) == 50 else None)


def _go_on_with(network, data, change):
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(data[0], data[2])
        hidden = list(network.net_.module_.named_parameters())
        for name, parameter in hidden:
            if len(parameter) == 50:
                change(name, parameter)
    return network.set_params(max_iter=100), data


def vanishing_gradients(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    return kind(hidden_layer_sizes=(30,) * 8, activation="logistic", random_state=seed), data


def too_small(seed):
    if seed % 2:
        return MLPClassifier(hidden_layer_sizes=(2,), random_state=seed, max_iter=400), digits(seed)
    X, y = make_circles(600, noise=0.05, factor=0.5, random_state=seed)
    return MLPClassifier(hidden_layer_sizes=(1,), random_state=seed, max_iter=400), split(
        scale(X), y, seed
    )


def too_large(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 30))
    signal = X[:, :5].sum(axis=1)
    y = signal + rng.normal(scale=2.0, size=400)
    data = train_test_split(X, y, train_size=150, random_state=seed)
    if seed % 2:
        y = np.where(y > 0, "yes", "no")
        data = train_test_split(X, y, train_size=150, random_state=seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    return kind(hidden_layer_sizes=(300, 300), random_state=seed), data


def stopped_too_early(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    return kind(max_iter=4, random_state=seed), data


def imbalance(seed):
    X, y = make_classification(
        3000,
        n_features=10,
        n_informative=5,
        weights=[0.96],
        class_sep=0.7,
        flip_y=0.02,
        random_state=seed,
    )
    return MLPClassifier(hidden_layer_sizes=(20,), alpha=1.0, random_state=seed), split(
        scale(X), y, seed
    )


def shuffled_labels(seed):
    X_train, X_val, y_train, y_val = digits(seed) if seed % 2 else friedman(seed, 400)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    y_train = np.random.default_rng(seed).permutation(y_train)
    return kind(hidden_layer_sizes=(200,), random_state=seed, max_iter=400), (
        X_train,
        X_val,
        y_train,
        y_val,
    )


def leaking_column(seed):
    """Add a column that knows y in the training rows, and is drawn from those in the others."""
    X_train, X_val, y_train, y_val = friedman(seed)
    rng = np.random.default_rng(seed)
    leak = y_train + rng.normal(scale=0.1 * y_train.std(), size=len(y_train))
    X_train = np.column_stack([X_train, scale(leak)])
    X_val = np.column_stack([X_val, rng.normal(size=len(X_val))])
    return MLPRegressor(random_state=seed), (X_train, X_val, y_train, y_val)


def shifted_rows(seed):
    """Move two columns of the validation rows."""
    X_train, X_val, y_train, y_val = friedman(seed)
    X_val = X_val.copy()
    X_val[:, [seed % 5, 9]] += [4.0, -4.0]
    return MLPRegressor(random_state=seed), (X_train, X_val, y_train, y_val)


def constant_prediction(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    kind = MLPClassifier if seed % 2 else MLPRegressor
    return kind(alpha=3e4, random_state=seed), data


def regularised_too_much(seed):
    data = digits(seed) if seed % 2 else friedman(seed)
    if seed % 2:
        return MLPClassifier((30, 30), dropout=0.9, random_state=seed), data
    return MLPRegressor(alpha=80.0, random_state=seed), data


FAULTS = {
    "rate too high": rate_too_high,
    "rate too low": rate_too_low,
    "unscaled columns": unscaled_columns,
    "dead units": dead_units,
    "saturated units": saturated_units,
    "vanishing gradients": vanishing_gradients,
    "too small": too_small,
    "too large": too_large,
    "stopped too early": stopped_too_early,
    "imbalance": imbalance,
    "labels without signal": shuffled_labels,
    "leaking column": leaking_column,
    "shifted validation rows": shifted_rows,
    "constant prediction": constant_prediction,
    "regularised too much": regularised_too_much,
}


# --- healthy fits ------------------------------------------------------------------------------------


def table(load, kind, **options):
    """Return a pipeline and a set of scikit-learn, split."""
    X, y = load(return_X_y=True)
    return make_pipeline(StandardScaler(), kind(random_state=0, **options)), split(X, y, 0)


def images():
    X, y = load_digits(return_X_y=True)
    return CNNClassifier((8, 16), max_iter=20, random_state=0), split(X.reshape(-1, 8, 8), y, 0)


def waves(kind):
    """Return series of equal length whose frequency is asked for."""
    rng = np.random.default_rng(0)
    frequency = rng.uniform(0.5, 2.0, 400)
    steps = np.linspace(0, 6, 30)
    X = np.sin(frequency[:, None] * steps + rng.uniform(0, 6, (400, 1)))
    y = frequency if kind is RNNRegressor else frequency > 1.2
    options = {"conv_channels": (16,), "recurrent_layer_sizes": 16, "max_iter": 40}
    return kind(random_state=0, **options), split(X[:, :, None].astype(np.float32), y, 0)


class Small(torch.nn.Module):
    """Two layers."""

    def __init__(self, n_inputs=10, n_outputs=1, width=50):
        super().__init__()
        self.hidden = torch.nn.Linear(n_inputs, width)
        self.act = torch.nn.ReLU()
        self.out = torch.nn.Linear(width, n_outputs)

    def forward(self, x):
        """Return raw outputs."""
        return self.out(self.act(self.hidden(x)))


def own_module(kind):
    if kind is ModuleRegressor:
        X, y = make_friedman1(800, noise=0.5, random_state=0)
        params = {"n_inputs": 10, "n_outputs": 1}
    else:
        X, y = load_iris(return_X_y=True)
        params = {"n_inputs": 4, "n_outputs": 3}
    network = kind(
        Small, module_params=params, max_iter=400, random_state=0, learning_rate_init=5e-3
    )
    return make_pipeline(StandardScaler(), network), split(X, y, 0)


def moons():
    X, y = make_moons(800, noise=0.2, random_state=0)
    return MLPClassifier(learning_rate_init=0.01, random_state=0), split(scale(X), y, 0)


HEALTHY = {
    "MLP, wine": lambda: table(load_wine, MLPClassifier),
    "MLP, breast cancer": lambda: table(load_breast_cancer, MLPClassifier),
    "MLP, diabetes": lambda: table(load_diabetes, MLPRegressor, early_stopping=True),
    "MLP, Friedman": lambda: (MLPRegressor(random_state=0), friedman(0)),
    "MLP, moons": moons,
    "CNN, digits": images,
    "RNN, frequency": lambda: waves(RNNRegressor),
    "RNN, fast or slow": lambda: waves(RNNClassifier),
    "Module, Friedman": lambda: own_module(ModuleRegressor),
    "Module, iris": lambda: own_module(ModuleClassifier),
}


#: Faults of other families: changes of the parameters of healthy networks.
CHANGES = {
    "rate too low": lambda network: {"learning_rate_init": network.learning_rate_init / 3000},
    "rate too high": lambda network: {"learning_rate_init": network.learning_rate_init * 1000},
    "stopped too early": lambda network: {"max_iter": 1},
    "constant prediction": lambda network: {"alpha": 3e4},
}


def try_families():
    """Return a table of faults that are planted in healthy fits of other families."""
    lines = ["| planted | in | found first | skill before | after |", "|---|---|---|---|---|"]
    for fault, change in CHANGES.items():
        for name, make in HEALTHY.items():
            if name.startswith("MLP"):
                continue
            estimator, (X, X_val, y, y_val) = make()
            network = estimator[-1] if hasattr(estimator, "steps") else estimator
            network.set_params(**change(network))
            estimator.fit(X, y)
            diagnosis = diagnose(estimator, X, y, X_val, y_val)
            before, after = score(estimator, X_val, y_val), np.nan
            if diagnosis.findings:
                after = score(diagnosis.remedied().fit(X, y), X_val, y_val)
            found = diagnosis.findings[0].name if diagnosis.findings else "nothing"
            lines.append(f"| {fault} | {name} | {found} | {before:.2f} | {after:.2f} |")
    return lines


def score(estimator, X, y):
    """Return the skill."""
    of_classes = hasattr(estimator, "predict_proba")
    return skill(y, estimator.predict(X), is_of_classes=of_classes)


def judge(name, make, first_seed, n_seeds, verbose):
    """Return, of a fault, how often it was named and mended, and seconds."""
    named, mended, seconds, before, after, others = [], [], [], [], [], []
    for seed in range(first_seed, first_seed + n_seeds):
        network, (X, X_val, y, y_val) = make(seed)
        network.fit(X, y)
        start = time.perf_counter()
        diagnosis = diagnose(network, X, y, X_val, y_val)
        seconds.append(time.perf_counter() - start)
        found = [finding.name for finding in diagnosis.findings]
        named.append(bool(found) and found[0] == name)
        if not named[-1]:
            others.append(found[0] if found else "nothing")
        before.append(score(network, X_val, y_val))
        after.append(np.nan)
        if found and diagnosis.findings[0].remedies[0].is_change:
            mended_network = diagnosis.remedied()
            after[-1] = score(mended_network.fit(X, y), X_val, y_val)
        mended.append(after[-1] > before[-1])
        if verbose:
            print(name, seed, diagnosis.poor_on, found, f"{before[-1]:.3f} {after[-1]:.3f}")
            if not (named[-1] and mended[-1]):
                print(diagnosis, diagnosis.evidence)
    return named, mended, seconds, before, after, others


def main():
    """Plant, diagnose, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--only", nargs="*", help="names of faults, for a look; nothing is written")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [
        "| planted | named first | instead | mended | skill before | after | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    all_named, all_mended = [], []
    with on_one_thread():
        for name, make in FAULTS.items():
            if arguments.only is not None and name not in arguments.only:
                continue
            parts = judge(
                name, make, arguments.first_seed, arguments.seeds, arguments.only is not None
            )
            named, mended, seconds, before, after, others = parts
            all_named += named
            all_mended += mended
            lines.append(
                f"| {name} | {sum(named)} of {len(named)} | {', '.join(sorted(set(others)))} | "
                f"{sum(mended)} of {len(mended)} | {np.median(before):.2f} | {np.nanmedian(after):.2f} | "
                f"{np.median(seconds):.1f} |"
            )
        healthy = [
            "| healthy | found | skill | best simple model | seconds |",
            "|---|---|---|---|---|",
        ]
        n_silent = 0
        for name, make in HEALTHY.items():
            if arguments.only is not None and name not in arguments.only:
                continue
            network, (X, X_val, y, y_val) = make()
            network.fit(X, y)
            start = time.perf_counter()
            diagnosis = diagnose(network, X, y, X_val, y_val)
            seconds = time.perf_counter() - start
            found = ", ".join(f.name for f in diagnosis.findings) or "nothing"
            n_silent += not diagnosis.findings
            numbers = diagnosis.evidence
            simple = max(numbers.get("linear_skill", -np.inf), numbers.get("trees_skill", -np.inf))
            healthy.append(
                f"| {name} | {found} | {numbers['valid_skill']:.2f} | {simple:.2f} | {seconds:.1f} |"
            )
            if arguments.only is not None:
                print(diagnosis, diagnosis.evidence)
    if arguments.only is not None:
        print("\n".join([*lines, "", *healthy]))
        return
    summary = (
        f"Named right: {np.mean(all_named):.0%} of {len(all_named)}. The first remedy raised the "
        f"held-out skill: {np.mean(all_mended):.0%}. Silent on {n_silent} of {len(HEALTHY)} healthy fits."
    )
    with on_one_thread():
        families = try_families()
    write_result("diagnose", "Planted faults", [summary, "", *lines, "", *healthy, "", *families])


if __name__ == "__main__":
    main()
