"""Our estimators are known to skl2onnx as soon as it is imported, and it is not imported for them."""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder

_NAME = "skl2onnx"


def register_when_imported():
    """Let skl2onnx know our estimators: now if it is there, else when somebody imports it."""
    if _NAME in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Watch())


def _register():
    import_module("sknets.graphs._converters")  # which registers when it is loaded


class _Watch(MetaPathFinder):
    """Looks out for the import of skl2onnx. Who only asks whether it is installed ends nothing."""

    def find_spec(self, name, path=None, target=None):
        """Return the spec of skl2onnx, with what happens after it is loaded; None for all else."""
        if name != _NAME:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader, self)
        return spec


class _ThenRegister(Loader):
    """Loads a module as its own loader does, registers, and ends the watch."""

    def __init__(self, loader, watch):
        self._loader, self._watch = loader, watch

    def create_module(self, spec):
        """Create the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module):
        """Load it; what it is loaded by is its own loader again."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        if self._watch in sys.meta_path:
            sys.meta_path.remove(self._watch)
        _register()
