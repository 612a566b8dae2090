"""What each notebook asks of a data set, read off its own cells so that no second list can drift."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import BuildError
from analysis.intake.prepared import FRAMES
from analysis.intake.schema import TABLES


@dataclass(frozen=True, slots=True)
class NotebookNeeds:
    """One notebook and the data that it works with.

    question: its first heading. requirements: what `data.needs(…)` lists; without these it says
    “not available”. uses: further tables and frames that it opens; without one of them the parts
    that rest on it say so, the rest stands.
    """

    name: str
    question: str
    requirements: tuple[str, ...]
    uses: tuple[str, ...]


def notebook_needs(path: Path) -> NotebookNeeds:
    """Read a notebook's heading and the calls in its cells.

    Raises BuildError if it is not a notebook, or if it names what it needs in a way that cannot
    be read without running it.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
        trees = [ast.parse(source) for kind, source in sources if kind == "code"]
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise BuildError(f"{path.name} is not a notebook: {error}") from None
    headings = (
        line.removeprefix("# ").strip()
        for kind, source in sources
        if kind == "markdown"
        for line in source.splitlines()
        if line.startswith("# ")
    )
    requirements: list[str] = []
    uses: list[str] = []
    openers = {"table"}
    for tree in trees:
        openers |= _other_names_for_table(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = _called(call)
            if name == "needs":
                requirements += _literals(call, path)
            elif name in openers and isinstance(call.args[0] if call.args else None, ast.Constant):
                uses += [text for text in _literals(call, path) if text in TABLES]
            elif name in FRAMES or name == "lifetime_counts":
                uses.append(f"frame_{name if name in FRAMES else 'lifetimes'}")
    return NotebookNeeds(
        path.stem,
        next(headings, path.stem),
        tuple(dict.fromkeys(requirements)),
        tuple(dict.fromkeys(uses)),
    )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _other_names_for_table(tree: ast.Module) -> set[str]:
    """Names that a cell gives to `data.table`, as in `of, settings = data.table, data.settings`."""
    names = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            many = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            targets = target.elts if many else [target]  # type: ignore[attr-defined]
            values = node.value.elts if many else [node.value]  # type: ignore[attr-defined]
            for left, right in zip(targets, values, strict=False):
                opens = isinstance(right, ast.Attribute) and right.attr == "table"
                if opens and isinstance(left, ast.Name):
                    names.add(left.id)
    return names


def _literals(call: ast.Call, path: Path) -> list[str]:
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    if len(texts) != len(call.args) or not all(isinstance(text, str) for text in texts):
        raise BuildError(f"{path.name}: write what the notebook needs as plain texts in quotes")
    return [str(text) for text in texts]
