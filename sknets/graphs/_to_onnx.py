"""A fitted pipeline as one ONNX graph."""

import os
import warnings
from numbers import Integral
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from sknets._plain_torch import in_plain_torch
from sknets._version import __version__
from sknets.graphs._check import check_equal, check_x
from sknets.graphs._feed import input_types
from sknets.graphs._packages import import_onnx
from sknets.graphs._parts import check_parts, first_step, last_step, parts_of, unwrap

#: Written for onnxruntime 1.14 and later.
_DEFAULT_OPSET = 18
_IR_VERSION = 8


@in_plain_torch
def to_onnx(
    estimator,
    X,
    path=None,
    *,
    coverage=None,
    return_std=False,
    dtype="float32",
    target_opset=_DEFAULT_OPSET,
):
    """Write a fitted estimator, with all steps of its pipeline, as one ONNX graph.

    onnxruntime runs it without Python, Torch or scikit-learn. The transformers of scikit-learn are
    written by skl2onnx, networks by this package, modules of your own by Torch's exporter. The graph is
    run on X and compared with the estimator before it is returned.

    Parameters
    ----------
    estimator : estimator
        A fitted network or table estimator, a pipeline or an ensemble of scikit-learn around it, or a
        search, of which the best estimator is written.
    X : frame, array or list of arrays
        Rows as `predict` takes them. Their type and shape become those of the inputs, and on the first
        1,000 of them the graph is compared with the estimator.
    path : str or path-like, default=None
        File that is written; None writes none.
    coverage : float in (0, 1), default=None
        If given, there are outputs `lower` and `upper` of intervals, or `set` of classes, as
        `predict_interval` and `predict_set` make them.
    return_std : bool, default=False
        Whether there is an output `std`, as `predict` has it with ``return_std=True``.
    dtype : {"float32", "float64"}, default="float32"
        Type in which floats of X come, and dense networks compute. Several converters of skl2onnx know
        float32 only.
    target_opset : int, default=18
        Version of the operators, from 18 on. A higher one needs a newer onnxruntime where it is served.

    Returns
    -------
    onnx.ModelProto
        The graph. Its input is `X`, or one of shape (n_samples, 1) for each column of a frame
        (`sknets.graphs.make_feed`). Its outputs are `variable` of regressors and transformers, shape
        (n_samples, n_outputs), or `label` and `probabilities` of classifiers.

    Raises
    ------
    ImportError
        If a package of ``sknets[onnx]`` is missing.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If a step has no graph; the message names it, and says why and what to do.
    ValueError
        If a parameter does not fit, X has other columns than in the fit, or the graph answers otherwise
        than the estimator.
    OSError
        If the file cannot be written.

    See Also
    --------
    sknets.distill : A small network that predicts nearly the same.
    sknets.graphs.make_feed : X as the inputs of a graph.

    Notes
    -----
    A graph checks nothing about X: a service has to refuse infinities, gaps and units that are no longer
    those of the fit. Padding of sequences is NaN, or -1 of tokens, at their end.

    skl2onnx knows these estimators, too: ``skl2onnx.to_onnx(pipeline, X)`` works as for any other.

    Examples
    --------
    >>> import onnxruntime
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import MLPClassifier, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(learning_rate="one_cycle", max_iter=20, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), network).fit(X, y)
    >>> graph = to_onnx(pipeline, X)
    >>> session = onnxruntime.InferenceSession(graph.SerializeToString())
    >>> label, probabilities = session.run(None, {"X": X.astype("float32")})
    >>> bool((label == pipeline.predict(X)).all())
    True
    """
    for package in ("onnx", "onnxruntime", "skl2onnx", "onnxscript"):
        import_onnx("to_onnx", package)
    check_is_fitted(estimator)
    if X is None:
        raise TypeError(
            "X is None; give rows as predict takes them: the graph gets types from them."
        )
    _check_params(dtype, target_opset, path)
    estimator = unwrap(estimator)
    _check_parts(estimator)
    check_x(estimator, X)
    model = _convert(estimator, X, coverage, return_std, dtype, target_opset)
    check_equal(_open(model, target_opset), estimator, X, coverage, return_std)
    if path is not None:
        _write(model, Path(path))
    return model


def _check_params(dtype, target_opset, path):
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype={dtype!r} must be 'float32' or 'float64'.")
    lowest = import_onnx("to_onnx", "sknets.graphs._graph").LOWEST_OPSET
    highest = min(
        import_onnx("to_onnx", "skl2onnx").__max_supported_opset__,
        import_onnx("to_onnx", "onnx.defs").onnx_opset_version(),
    )
    if not isinstance(target_opset, Integral) or not lowest <= target_opset <= highest:
        raise ValueError(
            f"target_opset={target_opset!r} must be a whole number from {lowest} to {highest}, the "
            "last one that the installed skl2onnx and onnx know."
        )
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(f"path={path!r} must be a str, path-like or None.")
    if path is not None and not Path(path).parent.is_dir():
        raise FileNotFoundError(f"path={str(path)!r}: there is no folder {Path(path).parent}.")
    if path is not None and Path(path).is_dir():
        raise IsADirectoryError(f"path={str(path)!r} is a folder; name the file in it.")


def _check_parts(estimator):
    """Check that all parts can be written; subclasses of ours are written as their bases."""
    package = import_onnx("to_onnx", "skl2onnx")
    ours = import_onnx("to_onnx", "sknets.graphs._converters")
    known = import_onnx("to_onnx", "skl2onnx._supported_operators").sklearn_operator_name_map
    for _, part in parts_of(estimator):
        if isinstance(part, tuple(ours.CONVERTERS)) and type(part) not in known:
            ours.register_class(type(part))
    meta = import_onnx("to_onnx", "skl2onnx._parse").sklearn_parsers_map
    check_parts(estimator, {*known, *meta}, f"skl2onnx {package.__version__}")


def _convert(estimator, X, coverage, return_std, dtype, target_opset):
    """Return the graph, by skl2onnx."""
    package = import_onnx("to_onnx", "skl2onnx")
    types = input_types(X, dtype, first_step(estimator))
    options = _options(estimator, coverage, return_std)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about itself
        try:
            model = package.to_onnx(
                estimator,
                initial_types=types,
                options=options,
                target_opset={"": target_opset, "ai.onnx.ml": 3},
                name=type(estimator).__name__,
            )
        except (NotImplementedError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise TypeError(
                f"skl2onnx {package.__version__} cannot write {type(estimator).__name__} for X of "
                f"{', '.join(sorted({type(kind).__name__ for _, kind in types}))}: {reason}"
            ) from error
    model.ir_version = max(_IR_VERSION, 8 if target_opset < 19 else 9 if target_opset < 21 else 10)
    import_onnx("to_onnx", "onnx.helper").set_model_props(model, {"sknets": __version__})
    return model


def _options(estimator, coverage, return_std):
    """Return what skl2onnx is told: arrays of probabilities, and what the last step adds."""
    last, options = last_step(estimator), {}
    for part in (estimator, last):
        if hasattr(part, "classes_"):
            options[id(part)] = {"zipmap": False}
    asked = {"coverage": coverage} if coverage is not None else {}
    asked |= {"return_std": True} if return_std else {}
    if asked:
        ours = import_onnx("to_onnx", "sknets.graphs._converters")
        name = type(last).__name__
        if not isinstance(last, tuple(ours.CONVERTERS)) or not hasattr(last, "predict"):
            raise ValueError(f"{' and '.join(asked)}: the last step is {name}, which has none.")
        if return_std and hasattr(last, "classes_"):
            raise ValueError(f"return_std=True is for regressors; {name} has probabilities.")
        options[id(last)] = options.get(id(last), {}) | asked
    return options


def _open(model, target_opset):
    """Return a session of onnxruntime.

    Raises
    ------
    ValueError
        If it cannot run the graph.
    """
    runtime = import_onnx("to_onnx", "onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of a type of its own for each reason
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"onnxruntime {runtime.__version__} cannot run this graph of target_opset={target_opset}: "
            f"{reason} Several converters of skl2onnx need dtype='float32', and a newer opset needs a "
            "newer onnxruntime."
        ) from error


def _write(model, path):
    """Write a graph as a file, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(model.SerializeToString())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
