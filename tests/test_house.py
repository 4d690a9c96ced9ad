"""The house: import directions, file sizes, first lines, public names, no stray modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "palate"

# The order of ARCHITECTURE.md: each may import only from those before it.
VOCABULARY = ("errors", "types", "columns", "config", "hyperparameters", "plugins", "_optional")
PACKAGES = (
    "store", "events", "warehouse", "data", "features", "stats", "metrics", "train", "models",
    "evaluate", "release", "retrieval", "experiment", "pipeline", "privacy", "serve", "monitor",
    "flows", "console", "cli", "testing",
)  # fmt: skip
MODULES = sorted(SRC.rglob("*.py"))
LONGEST = 400


def package_of(path: Path) -> str:
    first = path.relative_to(SRC).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Packages and modules of ours that `path` imports while it runs (not for typing only)."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("palate."))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_run_one_way(path: Path) -> None:
    own = package_of(path)
    if own == "__init__":
        return
    rank = {name: i for i, name in enumerate(("__init__", *VOCABULARY, *PACKAGES))}
    for other in imported(path):
        if other == "__version__":
            continue
        assert other in rank, f"{path} imports palate.{other}, which has no place in the house"
        if own in VOCABULARY:
            assert other in VOCABULARY, f"the vocabulary imports palate.{other}"
        else:
            assert rank[other] <= rank[own], f"palate.{own} imports palate.{other}"


def test_the_house_has_no_unknown_rooms() -> None:
    rooms = {package_of(path) for path in MODULES} - {"__init__"}
    assert rooms <= {*VOCABULARY, *PACKAGES}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_a_file_is_short_and_says_its_job(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST, f"{path} is over {LONGEST} lines"
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{path} does not say what it is for"
    assert docstring.splitlines()[0].endswith((".", ":", "?")), f"{path}: first line"


def test_no_module_is_named_for_nothing() -> None:
    assert not [p for p in MODULES if p.stem in {"utils", "util", "helpers", "misc", "common"}]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_functions_take_few_arguments(path: Path) -> None:
    """At most eight, and no `**kwargs` in public signatures; compiled kernels are private."""
    if "kernels" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if any(
            "njit" in ast.unparse(d) or "command" in ast.unparse(d) for d in node.decorator_list
        ):
            continue
        arguments = [
            a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        ]
        own = [a for a in arguments if a not in {"self", "cls"}]
        assert len(own) <= 8, f"{path}:{node.lineno} {node.name} takes {len(own)} arguments"
        if not node.name.startswith("_"):
            assert node.args.kwarg is None, f"{path}:{node.lineno} {node.name} takes **kwargs"


def test_the_order_in_the_docs_is_the_order_tested() -> None:
    text = (SRC.parents[1] / "ARCHITECTURE.md").read_text()
    places = [text.find(f"| `{package}/` |") for package in PACKAGES]
    assert -1 not in places, [p for p, at in zip(PACKAGES, places, strict=True) if at < 0]
    assert all(a < b for a, b in pairwise(places))
