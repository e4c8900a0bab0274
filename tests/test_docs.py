"""Every snippet of the words runs, in order, page by page, and without a warning of any kind."""

import importlib.util
import re
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

from tests.callback_protocol import HAS_CALLBACKS

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/user_guide.md", "docs/more_machines.md"]

#: What some snippets import, and whether they can.
HAS_TRACKING = all(importlib.util.find_spec(name) for name in ("mlflow", "tensorboard"))
OPTIONAL = {"sklearn.callback": HAS_CALLBACKS, "sknets.tracking": HAS_TRACKING}

mpl.use("Agg")


def snippets(page):
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pictures go there
    code = snippets(page)
    assert code
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, snippet in enumerate(code, start=1):
            if any(name in snippet and not is_there for name, is_there in OPTIONAL.items()):
                continue
            exec(compile(snippet, f"{page}, snippet {number}", "exec"), names)


def test_examples_in_docstrings_are_silent(request):
    # `conftest` turns every warning in them into an error; here: that it has reached all of them
    for item in request.session.items:
        if isinstance(item, pytest.DoctestItem):
            filters = [mark.args for mark in item.iter_markers("filterwarnings")]
            assert filters == [("error",)], item


@pytest.mark.parametrize("page", [*PAGES, "docs/api.md", "docs/design.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
