"""What skl2onnx is told of our estimators: which outputs they have, and how they are written."""

from abc import ABC, abstractmethod

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn_classifier
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sknets import estimators, tables, targets
from sknets._plain_torch import in_plain_torch
from sknets.graphs import _intervals as intervals
from sknets.graphs import _outputs as outputs
from sknets.graphs import _tables as of_tables
from sknets.graphs._graph import LOWEST_OPSET, Graph
from sknets.graphs._networks import check_networks, write_code, write_features, write_raws

#: Options of classifiers that skl2onnx knows, and those that regressors and classifiers have here.
_OPTIONS = {"coverage": None, "return_std": [True, False]}
_CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [True, False],
    "raw_scores": [False],
    "nocl": [False],
    "coverage": None,
}

#: Of a probability: a class that is as probable as the least one is in the set.
_ROUNDING = 1e-6


class Converter(ABC):
    """How one kind of estimator becomes a part of a graph.

    Parameters
    ----------
    estimator : estimator
        Which one.
    inputs : list of Variable
        What it is given.
    options : dict
        Options of this estimator: ``coverage`` and ``return_std``.
    """

    def __init__(self, estimator, inputs, options):
        check_is_fitted(estimator)
        self.estimator, self.inputs = estimator, inputs
        self.coverage = options.get("coverage")
        self.has_std = bool(options.get("return_std"))
        self.check()

    @property
    def is_double(self):
        """Whether numbers come in float64."""
        return any(isinstance(variable.type, DoubleTensorType) for variable in self.inputs)

    @property
    def n_axes(self):
        """Axes of X."""
        shape = self.inputs[0].type.shape
        return 2 if not shape else len(shape)

    def floats(self, *shape, is_double=None):
        """Return the type of floats, of X's precision unless something else is said."""
        is_double = self.is_double if is_double is None else is_double
        return (DoubleTensorType if is_double else FloatTensorType)([None, *shape])

    def joined(self, graph):
        """Return all columns of X as one value."""
        names = [variable.full_name for variable in self.inputs]
        if len(names) == 1:
            return names[0]
        return graph.concat([graph.cast(name) for name in names], 1)

    def columns(self, graph, n_columns):
        """Return each column of X as a value of shape (n, 1)."""
        names = [variable.full_name for variable in self.inputs]
        if len(names) == n_columns:
            return names
        whole = self.joined(graph)
        return [graph.slice(whole, 1, place, place + 1) for place in range(n_columns)]

    @abstractmethod
    def check(self):
        """Raise ValueError or TypeError if this estimator cannot be written."""

    @abstractmethod
    def outputs(self):
        """Return names and types of the outputs."""

    @abstractmethod
    def write(self, graph):
        """Write nodes; return the names of what goes to the outputs."""


class OfNetwork(Converter):
    """Classifiers and regressors with networks."""

    @property
    def target(self):
        """What y is, for a row or for a timestep."""
        target = self.estimator._learned.target
        return target.inner if isinstance(target, targets.SequenceTarget) else target

    @property
    def _steps(self):
        return (None,) if self.estimator._outputs.kind == "timesteps" else ()

    def raws(self, graph):
        """Write the raw outputs."""
        x = self.joined(graph)
        return write_raws(graph, self.estimator, x, self.n_axes)


class OfClassifier(OfNetwork):
    """Classifiers with networks."""

    def check(self):
        check_networks(self.estimator)
        outputs.label_values(self.target.classes)
        if self.coverage is not None:
            intervals.least_probability(self.estimator, self.coverage)

    def outputs(self):
        n_classes = len(self.target.classes)
        steps = self._steps
        is_labels = isinstance(self.target, targets.LabelTarget)
        of_label = _label_type(self.target.classes, *steps, *([n_classes] if is_labels else []))
        found = [("label", of_label), ("probabilities", self.floats(*steps, n_classes))]
        if self.coverage is not None:
            found.append(("set", BooleanTensorType([None, n_classes])))
        return found

    def write(self, graph):
        raw, is_several = self.raws(graph)
        calibration = vars(self.estimator).get("_calibration")
        temperature = None if calibration is None else calibration.scale
        label, shares = outputs.write_classes(
            graph, self.target, raw, is_several=is_several, temperature=temperature
        )
        if self.coverage is None:
            return [label, shares]
        return [label, shares, _write_set(graph, self.estimator, shares, self.coverage)]


def _write_set(graph, estimator, shares, coverage):
    least = intervals.least_probability(estimator, coverage)
    return graph.add("GreaterOrEqual", shares, least - _ROUNDING)


def _label_type(classes, *shape):
    kind = outputs.label_values(classes).dtype.kind
    of_kind = {"i": Int64TensorType, "U": StringTensorType, "f": FloatTensorType}
    return of_kind[kind]([None, *shape])


class OfRegressor(OfNetwork):
    """Regressors with networks."""

    def check(self):
        check_networks(self.estimator)
        if self.coverage is not None:
            intervals.check_interval(self.estimator, self.coverage)
        if self.has_std and not (self.target.has_std or "members_" in vars(self.estimator)):
            raise ValueError(
                f"return_std=True: {type(self.estimator).__name__} has a deviation in a graph with "
                "loss='gaussian' or n_members=5, say; draws of dropout have none."
            )

    @property
    def _n_values(self):
        target = self.target
        return len(target.levels) if target.is_ordered else len(target.scaling.scale)

    def outputs(self):
        is_double = self.is_double or self.target.output.needs_double
        numbers = self.floats(*self._steps, self._n_values, is_double=is_double)
        found = [("variable", numbers)]
        if self.has_std:
            found.append(("std", numbers))
        if self.coverage is not None:
            n_outputs = len(self.target.scaling.scale)
            ends = self.floats(n_outputs, is_double=is_double)
            found += [("lower", ends), ("upper", ends)]
        return found

    def write(self, graph):
        raw, is_several = self.raws(graph)
        if self.target.output.needs_double:
            graph = graph.at(np.float64)
            raw = graph.cast(raw)
        needs_std = self.has_std or self.coverage is not None
        options = {"is_several": is_several, "needs_std": needs_std}
        numbers = outputs.write_numbers(graph, self.target, raw, **options)
        answer = [numbers.values]
        if self.has_std:
            calibration = vars(self.estimator).get("_calibration")
            answer.append(intervals.write_deviation(graph, calibration, numbers))
        if self.coverage is not None:
            answer += intervals.write_interval(graph, self.estimator, numbers, self.coverage)
        return answer


class OfAutoencoder(Converter):
    """Codes of rows."""

    def check(self):
        """Accept any."""

    def outputs(self):
        return [("variable", self.floats(self.estimator._n_features_out))]

    def write(self, graph):
        return [write_code(graph, self.estimator, self.joined(graph), self.n_axes)]


class OfFeatures(Converter):
    """What the last layer of a network sees."""

    def check(self):
        check_networks(self.estimator.estimator_)

    def outputs(self):
        return [("variable", self.floats(self.estimator._n_features_out))]

    def write(self, graph):
        x = self.joined(graph)
        return [write_features(graph, self.estimator.estimator_, x, self.n_axes)]


class OfTable(Converter):
    """Tables as they come."""

    def check(self):
        of_tables.check_encoder(self._encoder)
        if self.coverage is not None:
            intervals.check_coverage(self.coverage)

    @property
    def _encoder(self):
        return self.estimator._encoder

    def _columns(self, graph):
        return self.columns(graph, self.estimator.n_features_in_)


class OfEncoder(OfTable):
    """The encoder of tables."""

    @property
    def _encoder(self):
        return self.estimator

    def outputs(self):
        return [("variable", self.floats(self.estimator.n_outputs_))]

    def write(self, graph):
        return [of_tables.write_encoder(graph, self.estimator, self._columns(graph))]


class OfTabularRegressor(OfTable):
    """Numbers from a table."""

    def outputs(self):
        names = ["variable", *["std"] * self.has_std]
        names += [] if self.coverage is None else ["lower", "upper"]
        return [(name, self.floats(1)) for name in names]

    def write(self, graph):
        columns = self._columns(graph)
        return of_tables.write_regressor(
            graph, self.estimator, columns, self.coverage, has_std=self.has_std
        )


class OfTabularClassifier(OfTable):
    """Classes from a table."""

    def outputs(self):
        n_classes = len(self.estimator.classes_)
        found = [
            ("label", _label_type(self.estimator.classes_)),
            ("probabilities", self.floats(n_classes)),
        ]
        if self.coverage is not None:
            found.append(("set", BooleanTensorType([None, n_classes])))
        return found

    def write(self, graph):
        shares = of_tables.write_shares(graph, self.estimator, self._columns(graph))
        places = graph.add("ArgMax", shares, axis=1, keepdims=0)
        classes = outputs.label_values(self.estimator.classes_)
        answer = [graph.add("Gather", classes, places, axis=0), shares]
        if self.coverage is not None:
            held, temperature = self.estimator._held, self.estimator.temperature_
            least = 1.0 - held.most_unlikely(temperature, self.coverage)
            at_least = graph.at(np.float64).constant(least - _ROUNDING)
            answer.append(graph.add("GreaterOrEqual", shares, at_least))
        return answer


CONVERTERS = {
    estimators.MLPClassifier: OfClassifier,
    estimators.MLPRegressor: OfRegressor,
    estimators.CNNClassifier: OfClassifier,
    estimators.CNNRegressor: OfRegressor,
    estimators.RNNClassifier: OfClassifier,
    estimators.RNNRegressor: OfRegressor,
    estimators.ModuleClassifier: OfClassifier,
    estimators.ModuleRegressor: OfRegressor,
    estimators.Autoencoder: OfAutoencoder,
    estimators.CNNAutoencoder: OfAutoencoder,
    estimators.RNNAutoencoder: OfAutoencoder,
    estimators.CNNFeatures: OfFeatures,
    estimators.RNNFeatures: OfFeatures,
    tables.TableEncoder: OfEncoder,
    tables.TabularRegressor: OfTabularRegressor,
    tables.TabularClassifier: OfTabularClassifier,
}


# --- as skl2onnx calls it -------------------------------------------------------------------------


def _converter(operator):
    estimator, scope = operator.raw_operator, operator.scope_inst
    options = scope.get_options(estimator, fail=False) or {}
    return _kind_of(type(estimator))(estimator, operator.inputs, options)


def _kind_of(cls):
    return next(CONVERTERS[base] for base in cls.__mro__ if base in CONVERTERS)


def _parse(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of an estimator."""
    check_is_fitted(model)
    options = scope.get_options(model, fail=False) or {}
    converter = _kind_of(type(model))(model, inputs, options)
    found = converter.outputs()
    is_plain = [len(kind.shape) for _, kind in found] == [1, 2]
    if is_classifier(model) and is_plain:  # whose probabilities may become dicts
        return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
    operator = scope.declare_local_operator(alias_of(type(model)), model)
    operator.inputs = inputs
    for name, kind in found:
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _set_types(operator):
    """Tell the types of the outputs."""
    for variable, (_, kind) in zip(operator.outputs, _converter(operator).outputs(), strict=False):
        variable.set_type(kind)


@in_plain_torch
def _convert(scope, operator, container):
    """Write an estimator."""
    if container.target_opset < LOWEST_OPSET:
        raise ValueError(
            f"target_opset={container.target_opset}: networks are written for opset {LOWEST_OPSET} and "
            "later."
        )
    converter = _converter(operator)
    graph = Graph(scope, container, np.float64 if converter.is_double else np.float32)
    names = converter.write(graph)
    kinds = {
        DoubleTensorType: np.float64,
        FloatTensorType: np.float32,
    }
    for name, variable in zip(names, operator.outputs, strict=False):
        dtype = kinds.get(type(variable.type))
        if dtype is not None:
            name = graph.cast(name, dtype)
        graph.add("Identity", name, to=variable.full_name)


def alias_of(cls):
    """Return the name under which skl2onnx knows an estimator."""
    return f"Sknets{cls.__name__}"


def register_class(cls):
    """Tell skl2onnx of an estimator: one of ours, or a subclass of one."""
    kind = _kind_of(cls)
    is_of_classes = issubclass(kind, OfClassifier | OfTabularClassifier)
    is_of_numbers = issubclass(kind, OfRegressor | OfTabularRegressor)
    options = _CLASSIFIER_OPTIONS if is_of_classes else _OPTIONS if is_of_numbers else None
    update_registered_converter(
        cls, alias_of(cls), _set_types, _convert, parser=_parse, options=options
    )


for _cls in CONVERTERS:
    register_class(_cls)
