"""The packages of ONNX where they are installed, and what to do where they are not."""

from importlib import import_module


def import_onnx(who, name="onnx"):
    """Import a package of ONNX, or one of our modules that needs several.

    Raises
    ------
    ImportError
        If one is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{who} needs onnx, onnxruntime, skl2onnx and onnxscript, of which {error.name} is missing: "
            "pip install 'sknets[onnx]'"
        ) from error
