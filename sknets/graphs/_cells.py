"""Recurrent layers as nodes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sknets.graphs._graph import values_of
from sknets.modules import CELLS, Bidirectional

#: Each cell's operator, the order of its gates in ONNX by their place in ours, and attributes.
_OPERATORS = {
    "rnn": ("RNN", (0,), {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", (0,), {"activations": ["Relu"]}),
    "lstm": ("LSTM", (0, 3, 1, 2), {}),  # i, f, g, o as i, o, f, g
    "gru": ("GRU", (1, 0, 2), {"linear_before_reset": 1}),  # r, z, n as z, r, n
    "gru_reset_before": ("GRU", (1, 0, 2), {"linear_before_reset": 0}),
}


def write_recurrent(graph, layer, x, lengths):
    """Write a recurrent layer, of one or both directions.

    Parameters
    ----------
    graph : Graph
        Where to, of float32.
    layer : Recurrent or Bidirectional
        The layer.
    x : str
        Sequences, shape (n, n_timesteps, n_inputs).
    lengths : str
        Their lengths, int64.

    Returns
    -------
    str
        Shape (n, n_timesteps, n_units), twice as many units of both directions.
    """
    is_both = isinstance(layer, Bidirectional)
    parts = [layer.ahead, layer.back] if is_both else [layer]
    in_time = graph.transpose(x, 1, 0, 2)
    name = next(name for name, kind in CELLS.items() if type(parts[0]) is kind)
    if name not in _OPERATORS:
        ahead = _scan(graph, parts[0], in_time)
        outputs = [ahead]
        if is_both:
            options = {"time_axis": 0, "batch_axis": 1}
            turned = graph.add("ReverseSequence", in_time, lengths, **options)
            back = _scan(graph, parts[1], turned)
            outputs.append(graph.add("ReverseSequence", back, lengths, **options))
        return graph.transpose(graph.concat(outputs, 2), 1, 0, 2)
    operator, order, options = _OPERATORS[name]
    if is_both:
        options = options | {"direction": "bidirectional"}
        if "activations" in options:
            options["activations"] = options["activations"] * 2
    weights = map(np.stack, zip(*(_weights(part, order) for part in parts), strict=True))
    n_units, inputs = parts[0].n_units, [in_time, *weights]
    if is_both:
        inputs.append(graph.cast(lengths, np.int32))
    outputs = graph.add(
        operator, *inputs, hidden_size=n_units, **options
    )  # (time, parts, n, units)
    if not is_both:
        return graph.transpose(graph.squeeze(outputs, 1), 1, 0, 2)
    return graph.reshape(graph.transpose(outputs, 2, 0, 1, 3), (0, 0, 2 * n_units))


def _weights(layer, order):
    """Return weights of inputs, of states, and both sets of intercepts, with gates in another order."""
    second = values_of(layer._second_bias())
    parts = [values_of(layer.weight), values_of(layer.recurrent_weight)]
    parts += [values_of(layer.bias), second]
    weight, recurrent, *biases = (_in_order(part, order) for part in parts)
    return weight, recurrent, np.concatenate(biases)


def _in_order(values, order):
    gates = np.split(values, len(order))
    return np.concatenate([gates[place] for place in order])


def _scan(graph, layer, x):
    """Write a recurrent attention unit, step by step; x has shape (n_timesteps, n, n_inputs)."""
    n_units = layer.n_units
    projected = graph.add("MatMul", x, values_of(layer.weight).T)
    projected = graph.add("Add", projected, values_of(layer.bias))
    n_rows = graph.add("Shape", x, start=1, end=2)
    shape = graph.concat([n_rows, graph.constant(np.array([n_units]))], 0)
    zeros = graph.add("Expand", np.zeros((1, 1)), shape)
    body = _attention_step(values_of(layer.recurrent_weight).astype(np.float32), n_units)
    _, outputs = graph.add("Scan", zeros, projected, n_outputs=2, body=body, num_scan_inputs=1)
    return outputs


#: One step of `RAU`: the gates r, z, n, then what the softmax and the relu see.
_STEP = """
rau (float[n, {u}] h, float[n, {g}] x) => (float[n, {u}] h_next, float[n, {u}] out) {{
  x_rz, x_n, x_s, x_v = Split <axis = 1> (x, sizes_x)
  h_rz = MatMul (h, w_rz)
  rz_in = Add (x_rz, h_rz)
  rz = Sigmoid (rz_in)
  r, z = Split <axis = 1, num_outputs = 2> (rz)
  rh = Mul (r, h)
  h_n = MatMul (rh, w_n)
  n_in = Add (x_n, h_n)
  new = Tanh (n_in)
  h_s = MatMul (h, w_s)
  s_in = Add (x_s, h_s)
  shares = Softmax <axis = 1> (s_in)
  h_v = MatMul (h, w_v)
  v_in = Add (x_v, h_v)
  v = Relu (v_in)
  attended = Mul (shares, v)
  change = Sub (h, new)
  kept = Mul (z, change)
  gated = Add (new, kept)
  h_next = Add (gated, attended)
  out = Identity (h_next)
}}
"""


def _attention_step(weight, n_units):
    """Return the graph of a step of a recurrent attention unit."""
    body = onnx.parser.parse_graph(_STEP.format(u=n_units, g=5 * n_units))
    rz, new, scores, values = np.split(weight, np.cumsum([2, 1, 1]) * n_units)
    parts = {"w_rz": rz, "w_n": new, "w_s": scores, "w_v": values}
    for name, part in parts.items():
        body.initializer.append(numpy_helper.from_array(np.ascontiguousarray(part.T), name))
    sizes = [2 * n_units, n_units, n_units, n_units]
    body.initializer.append(helper.make_tensor("sizes_x", TensorProto.INT64, [4], sizes))
    return body
