"""Modules that are not ours as nodes, through Torch's own exporter."""

import contextlib
import copy
import io
import logging
import warnings

import numpy as np
import onnx
import onnx.inliner
import torch

#: Rows of the example: the exporter takes 0 and 1 for constants.
_N_ROWS = 3
_N_STEPS = 5


def write_foreign(graph, module, inputs, shapes, what, *, whole=(), call=None):
    """Write a module; return the name of its output, in the type of the graph.

    Parameters
    ----------
    graph : Graph
        Where to.
    module : torch.nn.Module
        The module, which computes in float32 in the graph.
    inputs : list of str
        What it is given.
    shapes : list of tuple of int
        Shape of a row of each of them; None is any length.
    what : str
        The parameter that it comes from.
    whole : sequence of int, default=()
        Which inputs hold whole numbers.
    call : torch.nn.Module, default=None
        What calls it, for errors that name `module`; itself if None.

    Raises
    ------
    ValueError
        If Torch cannot export it.
    """
    copied = copy.deepcopy(module if call is None else call).cpu().float().eval()
    tensors, dynamic = [], []
    for place, shape in enumerate(shapes):
        sizes = (_N_ROWS, *(_N_STEPS if n is None else n for n in shape))
        kind = torch.int64 if place in whole else torch.float32
        tensors.append(torch.ones(sizes, dtype=kind))
        free = {0: torch.export.Dim.DYNAMIC}
        free |= {axis: torch.export.Dim.DYNAMIC for axis, n in enumerate(shape, 1) if n is None}
        dynamic.append(free)
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    try:
        model = _export(copied, tuple(tensors), tuple(dynamic), graph.opset)
    except Exception as error:
        name = type(getattr(module, "module", module)).__name__
        raise ValueError(
            f"{what}: Torch's exporter cannot write {name} as a graph ({_reason(error)}). Use "
            "operations that torch.export follows: no loops over values of tensors, no NumPy."
        ) from error
    given = [x if place in whole else graph.cast(x, np.float32) for place, x in enumerate(inputs)]
    return graph.cast(_insert(graph, model, given))


def _reason(error):
    """Return the first line of what an error came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _export(module, tensors, dynamic, opset):
    """Return the model that Torch makes of a module, which is to say nothing about it."""
    quiet = [
        logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export", "onnx_ir")
    ]
    levels = [logger.level for logger in quiet]
    for logger in quiet:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                tensors,
                dynamo=True,
                dynamic_shapes=dynamic,
                opset_version=opset,
                verbose=False,
            )
    finally:
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)
    model = onnx.inliner.inline_local_functions(program.model_proto)
    version = next(entry.version for entry in model.opset_import if entry.domain == "")
    if version != opset:
        raise ValueError(f"it takes operators of opset {version}, and target_opset is {opset}")
    return model


def _insert(graph, model, inputs):
    """Put the nodes of a model into a graph, under names of their own; return its output."""
    container, known = graph.container, {"": ""}
    known |= {value.name: x for value, x in zip(model.graph.input, inputs, strict=True)}
    for tensor in model.graph.initializer:
        known[tensor.name] = graph.name("foreign")
        array = onnx.numpy_helper.to_array(tensor)
        copied = onnx.numpy_helper.from_array(array, known[tensor.name])
        container.add_initializer(known[tensor.name], copied.data_type, list(array.shape), copied)
    version = {entry.domain: entry.version for entry in model.opset_import}
    for node in model.graph.node:
        _rename(node, known, graph)
        container.nodes.append(node)
        container.node_domain_version_pair_sets.add((node.domain, version[node.domain]))
    return known[model.graph.output[0].name]


def _rename(node, known, graph):
    """Give a node, and those of graphs inside it, names that nothing else has."""
    for attribute in node.attribute:
        for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            for value in [*inner.input, *inner.initializer]:
                known[value.name] = value.name = graph.name("foreign")
            for below in inner.node:
                _rename(below, known, graph)
            for value in inner.output:
                value.name = known[value.name]
    node.name = graph.name("Foreign")
    node.input[:] = [known[name] for name in node.input]
    for name in node.output:
        known.setdefault(name, graph.name("foreign"))
    node.output[:] = [known[name] for name in node.output]
