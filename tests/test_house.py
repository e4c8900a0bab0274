"""The house: who imports whom, and how public things are described."""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import numpydoc.docscrape
import numpydoc.validate
import pytest

import sknets
import sknets.datasets
import sknets.files
import sknets.graphs
import sknets.inspection
import sknets.parallel
import sknets.preprocessing
import sknets.tracking

ROOT = Path(sknets.__file__).parent
PROJECT = ROOT.parent

MAY_IMPORT = {
    "modules": set(),
    "training": set(),
    "datasets": set(),
    "preprocessing": {"modules", "training"},
    "inputs": {"datasets", "modules", "training"},
    "targets": {"datasets", "inputs", "modules", "training"},
    "uncertainty": set(),
    "estimators": {
        "inputs",
        "targets",
        "modules",
        "training",
        "preprocessing",
        "parallel",
        "storage",
        "uncertainty",
    },
    "nonlinear": {"datasets", "estimators", "training", "uncertainty"},
    "inspection": {"estimators", "nonlinear", "targets"},
    "forecasting": {"estimators", "inputs", "preprocessing", "uncertainty"},
    "graphs": {
        "estimators",
        "forecasting",
        "inputs",
        "modules",
        "nonlinear",
        "preprocessing",
        "tables",
        "targets",
        "uncertainty",
    },
    "parallel": {"training"},
    "tables": {"datasets", "estimators", "parallel", "training", "uncertainty"},
    "storage": set(),
    "files": {
        "estimators",
        "forecasting",
        "inputs",
        "nonlinear",
        "preprocessing",
        "storage",
        "tables",
    },
    "tracking": {"estimators", "inspection"},
}
# scikit-learn knows X, y and labels; the rooms below the estimators work on tensors
MAY_USE_SKLEARN = {"training": {"sklearn.utils"}, "modules": set(), "storage": set()}

PUBLIC_MODULES = [
    sknets,
    sknets.datasets,
    sknets.files,
    sknets.graphs,
    sknets.inspection,
    sknets.parallel,
    sknets.preprocessing,
    sknets.tracking,
]

ESTIMATORS = [
    sknets.MLPRegressor,
    sknets.MLPClassifier,
    sknets.ModuleRegressor,
    sknets.ModuleClassifier,
    sknets.CNNRegressor,
    sknets.CNNClassifier,
    sknets.RNNRegressor,
    sknets.RNNClassifier,
    sknets.Autoencoder,
    sknets.CNNAutoencoder,
    sknets.RNNAutoencoder,
]


def imports(path):
    """Yield the name of every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_one_way(room):
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "sknets" and len(parts) > 1 and parts[1] in MAY_IMPORT:
                assert parts[1] in {room, *MAY_IMPORT[room]}, f"{path} imports {name}"


def test_every_room_is_known():
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_USE_SKLEARN)
def test_tensors_know_no_scikit_learn(room):
    for path in (ROOT / room).rglob("*.py"):
        used = {name for name in imports(path) if name.split(".")[0] == "sklearn"}
        allowed = MAY_USE_SKLEARN[room]
        assert all(any(name.startswith(a) for a in allowed) for name in used), (path, used)


def test_private_scikit_learn_is_imported_in_one_file():
    for path in ROOT.rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "sklearn" and any(part.startswith("_") for part in parts):
                assert path.name == "_sklearn.py", f"{path} imports {name}"


def public():
    """Yield the name and object of all that is public, methods among them."""
    for module in PUBLIC_MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing):
                continue
            yield f"{module.__name__}.{name}"
            if inspect.isclass(thing):
                for attribute in dir(thing):
                    member = inspect.getattr_static(thing, attribute)
                    owner = next(c for c in thing.__mro__ if attribute in vars(c))
                    is_ours = owner.__module__.startswith("sknets")
                    is_value = isinstance(member, str | int)  # which has no docstring
                    is_hidden = attribute.startswith("_") or attribute.endswith("_")
                    if is_ours and not is_hidden and not is_value:
                        assert member is not None
                        yield f"{module.__name__}.{name}.{attribute}"


# ES01, EX01, SA01: not every method needs an extended summary, an example and a See Also.
# GL01: summaries start on the first line. GL08: properties are described under Attributes.
# PR06: scikit-learn writes `bool`, `str` and `callable` as we do. RT02, RT03: it names what it returns,
# and a return of the class itself needs no words.
IGNORED = {"ES01", "EX01", "SA01", "GL01", "GL08", "PR06", "RT02", "RT03"}


@pytest.mark.parametrize("name", list(public()))
def test_public_docstring_is_numpydoc_valid(name):
    errors = [
        error for error in numpydoc.validate.validate(name)["errors"] if error[0] not in IGNORED
    ]
    assert not errors


@pytest.mark.parametrize("Estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_docstring_lists_the_signature(Estimator):
    documented = numpydoc.docscrape.ClassDoc(Estimator)["Parameters"]
    signature = inspect.signature(Estimator).parameters
    assert [p.name for p in documented] == list(signature)
    for parameter in documented:
        default = signature[parameter.name].default
        written = re.search(r"default=(.+)$", parameter.type)
        if written is None:
            assert parameter.name == "module"
        else:
            assert ast.literal_eval(written[1]) == default, parameter.name
        assert len(parameter.desc) <= 3, f"{parameter.name} takes more than three lines"


@pytest.mark.parametrize("name", ["MLPRegressor", "MLPClassifier"])
def test_every_parameter_of_scikit_learn_is_there_with_its_default_and_place(name):
    import sklearn.neural_network

    theirs = inspect.signature(getattr(sklearn.neural_network, name)).parameters
    ours = inspect.signature(getattr(sknets, name)).parameters
    for parameter in theirs.values():
        assert ours[parameter.name].default == parameter.default
    positional = [p.name for p in theirs.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert list(ours)[: len(positional)] == positional
    their_methods = {m for m in dir(getattr(sklearn.neural_network, name)) if not m.startswith("_")}
    assert their_methods <= set(dir(getattr(sknets, name)))


def test_api_page_names_everything_public():
    text = (PROJECT / "docs" / "api.md").read_text("utf-8")
    for module in PUBLIC_MODULES:
        for name in module.__all__:
            assert name == "__version__" or f"`{name}`" in text, name


def test_version_is_the_same_everywhere():
    text = (PROJECT / "pyproject.toml").read_text("utf-8")
    assert f'version = "{sknets.__version__}"' in text


@pytest.mark.parametrize("room", ["estimators", "inputs", "targets"])
def test_no_method_with_a_body_is_replaced(room):
    for info in pkgutil.walk_packages([str(ROOT / room)], f"sknets.{room}."):
        for cls in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(cls) and cls.__module__ == info.name:
                assert list(replaced(cls)) == [], cls


def replaced(cls):
    """Yield the methods of a class that replace one of ours that is not abstract."""
    for name, member in vars(cls).items():
        if name.startswith("__") or not has_body(member):
            continue
        for base in cls.__mro__[1:]:
            theirs = vars(base).get(name)
            is_ours = base.__module__.startswith("sknets") and has_body(theirs)
            if is_ours and not getattr(theirs, "__isabstractmethod__", False):
                yield f"{base.__name__}.{name}"


def has_body(member):
    """Return whether a member of a class is a function, a property or a method of the class."""
    kinds = (property, functools.cached_property, classmethod, staticmethod)
    return inspect.isfunction(member) or isinstance(member, kinds)


def test_tests_lie_in_the_folder_of_their_room():
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    folders = {path.name for path in (PROJECT / "tests").iterdir() if path.is_dir()}
    assert {name for name in folders if not name.startswith(("_", "."))} == rooms
