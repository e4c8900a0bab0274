"""Count what makes the house easy or hard to find one's way in.

``python tools/measure_house.py`` counts in the `sknets` that is imported; with ``PYTHONPATH=OTHER`` in
another checkout.
"""

import ast
import inspect
import sys
import warnings
from pathlib import Path

import numpy as np

import sknets

ROOT = Path(sknets.__file__).parent
X, Y = np.random.default_rng(0).normal(size=(100, 5)), np.arange(100) % 2


def defined(cls):
    """Return the functions and properties that a class defines by name."""
    kinds = (property, staticmethod, classmethod)
    return {
        name: f for name, f in vars(cls).items() if inspect.isfunction(f) or isinstance(f, kinds)
    }


def base_of_all():
    """Return the lowest class that all networks share."""
    shared = [c for c in sknets.MLPRegressor.__mro__ if issubclass(sknets.RNNClassifier, c)]
    return next(c for c in shared if c.__module__.startswith("sknets"))


def count_hooks(base):
    """Return the abstract methods of the base, and its others that a subclass replaces."""
    below, queue = [], list(base.__subclasses__())
    while queue:
        cls = queue.pop()
        below.append(cls)
        queue += cls.__subclasses__()
    leaves = [
        getattr(sknets, name) for name in sknets.__all__ if inspect.isclass(getattr(sknets, name))
    ]
    beside = {c for leaf in leaves if issubclass(leaf, base) for c in leaf.__mro__}
    beside = {c for c in beside if c.__module__.startswith("sknets") and c is not base}
    names = {name for cls in {*below, *beside} for name in vars(cls)}
    abstract = {
        name for name in vars(base) if getattr(vars(base)[name], "__isabstractmethod__", False)
    }
    own = {name for name in vars(base) if not name.startswith("__")} - abstract
    replaced = {name for name in own if name in names and name != "_parameter_constraints"}
    return sorted(abstract), sorted(replaced)


def longest_function():
    """Return the function with the most lines, its docstring and a constructor's left out."""
    longest = (0, "")
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                body = node.body[1:] if ast.get_docstring(node) else node.body
                n = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                longest = max(longest, (n, f"{path.relative_to(ROOT)} {node.name}"))
    return longest


def deepest_super():
    """Return the longest chain of definitions of one method that call `super()` for the next."""
    deepest = (0, "")
    for leaf in (getattr(sknets, name) for name in sknets.__all__):
        if not inspect.isclass(leaf):
            continue
        ours = [c for c in leaf.__mro__ if c.__module__.startswith("sknets")]
        for name in {name for c in ours for name in defined(c)} - {"__init__", "__sklearn_tags__"}:
            depth = 0
            for cls in (c for c in ours if name in defined(c)):
                depth += 1
                f = defined(cls)[name]
                source = inspect.getsource(getattr(f, "fget", None) or getattr(f, "__func__", f))
                if f"super().{name}" not in source:
                    break
            deepest = max(deepest, (depth, f"{leaf.__name__}.{name}"))
    return deepest


def walk():
    """Return the functions that `MLPRegressor.fit` calls, as (file, name), in the order of calls."""
    network, calls = sknets.MLPRegressor(max_iter=3, random_state=0), []

    def listen(frame, event, arg):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)) and "<" not in code.co_name:
            calls.append((str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname))

    sknets.MLPRegressor(max_iter=1).fit(X, Y)  # imports and caches
    sys.setprofile(listen)
    network.fit(X, Y)
    sys.setprofile(None)
    return calls


def main():
    """Print all counts."""
    base = base_of_all()
    abstract, replaced = count_hooks(base)
    print(f"base of all networks: {base.__name__}, {len(defined(base))} methods and properties")
    print(f"  {len(abstract)} abstract: {', '.join(abstract)}")
    print(f"  {len(replaced)} others that are replaced below: {', '.join(replaced)}")
    n, name = longest_function()
    print(f"longest function: {n} lines, {name}")
    n, name = deepest_super()
    print(f"deepest chain of super(): {n}, {name}")
    network = sknets.RNNClassifier(max_iter=1).fit(X[:, :, None], Y)
    private = sorted(name for name in vars(network) if name.startswith("_"))
    print(f"private attributes of a fitted RNNClassifier: {len(private)}: {', '.join(private)}")
    calls = walk()
    print(
        f"MLPRegressor.fit: {len(set(calls))} functions in {len({file for file, _ in calls})} files"
    )
    rooms = [("sklearn" if file is None else file.split("/")[0]) for file, _ in calls]
    visits = sum(room != before for before, room in zip([None, *rooms], rooms, strict=False))
    print(f"  {visits} times from one room to another, {len(set(rooms))} rooms")
    sizes = {
        room: sum(len(p.read_text("utf-8").splitlines()) for p in (ROOT / room).rglob("*.py"))
        for room in sorted(p.name for p in ROOT.iterdir() if (p / "__init__.py").exists())
    }
    print("lines: " + ", ".join(f"{room} {n:,}" for room, n in sizes.items()))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
