"""The packages of ONNX where they are installed, and what to do where they are not."""

from importlib import import_module

from sknets._extras import needed


def import_onnx(who, name="onnx"):
    """Import a package of ONNX, or one of our modules that needs several.

    Raises
    ------
    ImportError
        If one is missing.
    """
    package = "onnx" if name.startswith("sknets") else name.partition(".")[0]
    with needed(who, package, "onnx"):
        return import_module(name)
