"""Writing nodes into the graph that skl2onnx makes of an estimator."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

#: The first opset in which all operators that are written here have their present form.
LOWEST_OPSET = 18

_LONG = np.int64


class Graph:
    """Where the nodes of a network are written.

    A value is known by its name, a string. Arrays and numbers in its place become constants: floats in
    the type of the graph, whole numbers as int64.

    Parameters
    ----------
    scope, container : object
        As skl2onnx hands them to a converter.
    dtype : dtype
        Type in which the network computes, float32 or float64.
    """

    def __init__(self, scope, container, dtype):
        self._scope, self.container = scope, container
        self.dtype = np.dtype(dtype)

    def at(self, dtype):
        """Return the same graph, computing in another type."""
        return Graph(self._scope, self.container, dtype)

    @property
    def opset(self):
        """Version of the operators."""
        return self.container.target_opset

    def name(self, stem):
        """Return a name that nothing else has."""
        return self._scope.get_unique_variable_name(stem)

    def add(self, kind, *inputs, n_outputs=1, to=None, domain="", **attributes):
        """Add a node; return the name of its output, or a list of several.

        Parameters
        ----------
        kind : str
            The operator.
        *inputs : str or array-like
            Values, or constants.
        n_outputs : int, default=1
            Number of outputs.
        to : str or list of str, default=None
            Names of the outputs, where they have some already.
        domain : str, default=""
            Domain of the operator.
        **attributes : object
            Attributes of the node.
        """
        if to is None:
            to = [self.name(kind) for _ in range(n_outputs)]
        outputs = [to] if isinstance(to, str) else list(to)
        names = [self.constant(value) for value in inputs]
        own = self._scope.get_unique_operator_name(kind)
        self.container.add_node(kind, names, outputs, op_domain=domain, name=own, **attributes)
        return outputs[0] if len(outputs) == 1 else outputs

    def constant(self, value):
        """Return the name of a constant; a name is returned as it is."""
        if isinstance(value, str):
            return value
        array = np.asarray(value)
        name = self.name("constant")
        if array.dtype.kind in "OU":
            words = [str(word).encode("utf-8") for word in array.ravel()]
            self.container.add_initializer(name, TensorProto.STRING, list(array.shape), words)
            return name
        if array.dtype.kind == "f":
            array = array.astype(self.dtype)
        elif array.dtype.kind in "iu":
            array = array.astype(_LONG)
        self._initialize(name, array)
        return name

    def _initialize(self, name, array):
        tensor = numpy_helper.from_array(np.asarray(array, order="C"), name)
        self.container.add_initializer(name, tensor.data_type, list(array.shape), tensor)

    # --- what is often needed ----------------------------------------------------------------------

    def cast(self, x, dtype=None):
        """Return a value in a type: that of the graph, or another."""
        dtype = self.dtype if dtype is None else dtype
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        output = self.name("Cast")
        own = self._scope.get_unique_operator_name("Cast")
        self.container.add_node("Cast", [x], [output], name=own, to=kind)
        return output

    def affine(self, x, factor, shift):
        """Return x * factor + shift."""
        return self.add("Add", self.add("Mul", x, factor), shift)

    def reshape(self, x, shape):
        """Return a value in another shape: -1 is what is left, 0 what was there."""
        return self.add("Reshape", x, np.array(shape, _LONG))

    def transpose(self, x, *axes):
        """Return a value with its axes in another order."""
        return self.add("Transpose", x, perm=list(axes))

    def unsqueeze(self, x, *axes):
        """Return a value with further axes of length 1."""
        return self.add("Unsqueeze", x, np.array(axes, _LONG))

    def squeeze(self, x, *axes):
        """Return a value without axes of length 1."""
        return self.add("Squeeze", x, np.array(axes, _LONG))

    def concat(self, parts, axis):
        """Return values side by side."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=axis)

    def reduce(self, kind, x, *axes, keepdims=False):
        """Return the sum, mean, largest value ... over axes."""
        return self.add(f"Reduce{kind}", x, np.array(axes, _LONG), keepdims=int(keepdims))

    def slice(self, x, axis, start=0, stop=None):
        """Return a part of an axis."""
        stop = np.iinfo(_LONG).max if stop is None else stop
        return self.add("Slice", x, *(np.array([part], _LONG) for part in (start, stop, axis)))

    def take(self, x, places, axis):
        """Return some places of an axis."""
        return self.add("Gather", x, np.asarray(places, _LONG), axis=axis)

    def layer_norm(self, x, weight, bias, epsilon):
        """Return x over its last axis with mean 0 and spread 1, times a weight, and a bias."""
        return self.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=float(epsilon))

    def log_sigmoid(self, x):
        """Return log(1 / (1 + exp(-x)))."""
        return self.add("Neg", self.add("Softplus", self.add("Neg", x)))


def values_of(tensor):
    """Return a tensor as an array."""
    return tensor.detach().cpu().numpy()
