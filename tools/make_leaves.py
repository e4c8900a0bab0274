"""Write what the pages of the estimators say into the files of their classes: `make leaves`.

Of each class, the sections "Parameters" and "Attributes" of its docstring and its constructor are
written; all else in the file stays as it is.
"""

import inspect
import re
import textwrap
from pathlib import Path

import sknets

PUBLIC = [getattr(sknets, name) for name in sknets.__all__]
LEAVES = [thing for thing in PUBLIC if hasattr(thing, "_page")]
WIDTH = 96


def section(title, entries):
    """Return a section of a docstring, indented as in a class."""
    lines = [title, "-" * len(title)]
    for entry in entries:
        lines.append(f"{entry.name} : {entry.type}")
        if getattr(entry, "default", None) is not None:
            lines[-1] += f", default={entry.default}"
        lines += text_lines(entry.text)
    return "".join(f"    {line}\n" for line in lines)


def text_lines(text):
    """Return the lines of a text; code in double backticks stays in one."""
    text = " ".join(text.split())
    glued = re.sub(r"``.+?``", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(glued, WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    return [f"    {line}".replace("\0", " ") for line in lines]


def constructor(page):
    """Return the constructor, which assigns and does nothing else."""
    lines = [
        "def __init__(",
        "    self,",
        *(f"    {argument(parameter)}," for parameter in page.positional),
        "    *,",
        *(f"    {argument(parameter)}," for parameter in page.keyword_only),
        ") -> None:",
        *(f"    self.{parameter.name} = {parameter.name}" for parameter in page.parameters),
    ]
    return "".join(f"    {line}\n" for line in lines)


def argument(parameter):
    """Return a parameter as it stands in the signature."""
    default = (parameter.default or "None").replace("'", '"')
    return f"{parameter.name}: {parameter.annotation} = {default}"


def with_words(source, page):
    """Return the source of a class's file with the words of its page."""
    parts = [
        (
            r"    Parameters\n    -+\n.*?(?=\n    Attributes\n)",
            section("Parameters", page.parameters),
        ),
        (
            r"    Attributes\n    -+\n.*?(?=\n    See Also\n)",
            section("Attributes", page.attributes),
        ),
        (r"    def __init__\(\n.*?\n    \) -> None:\n(        [^\n]*\n)*", constructor(page)),
    ]
    for pattern, words in parts:
        source, n_found = re.subn(
            pattern, lambda _, words=words: words, source, count=1, flags=re.S
        )
        if n_found != 1:
            raise ValueError(f"There is nothing that looks like {pattern!r}.")
    return source


def changed():
    """Yield the path and the new text of each file that is not as its page says."""
    for leaf in LEAVES:
        path = Path(inspect.getfile(leaf))
        before = path.read_text("utf-8")
        after = with_words(before, leaf._page)
        if after != before:
            yield path, after


if __name__ == "__main__":
    for path, text in changed():
        path.write_text(text, "utf-8")
        print(f"written: {path}")
