"""The house: import directions, file sizes, first lines, public names, no stray modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

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
MOST_ARGUMENTS = 8
FREE = ("njit", "command")  # decorators of functions with as many arguments as they need


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def package_of(path: Path) -> str:
    first = path.relative_to(SRC).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Packages and modules of ours that `path` imports while it runs (not for typing only)."""
    tree = tree_of(path)
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


def may_import(own: str, other: str) -> bool:
    if other == "__version__":
        return True
    if own in VOCABULARY:
        return other in VOCABULARY
    order = (*VOCABULARY, *PACKAGES)
    return other in order and order.index(other) <= order.index(own)


def test_imports_run_one_way() -> None:
    rooms = {path: package_of(path) for path in MODULES if path != SRC / "__init__.py"}
    wrong = [
        f"{path} imports palate.{other}"
        for path, own in rooms.items()
        for other in imported(path)
        if not may_import(own, other)
    ]
    assert wrong == [], "no room of the house, or one that comes later"


def test_the_house_has_no_unknown_rooms() -> None:
    rooms = {package_of(path) for path in MODULES} - {"__init__"}
    assert rooms <= {*VOCABULARY, *PACKAGES}


def test_a_file_is_short() -> None:
    long = [path for path in MODULES if path.read_text().count("\n") > LONGEST]
    assert long == [], f"over {LONGEST} lines"


def test_a_file_says_its_job() -> None:
    first = {path: (ast.get_docstring(tree_of(path)) or "").partition("\n")[0] for path in MODULES}
    assert [path for path, line in first.items() if not line.endswith((".", ":", "?"))] == []


def test_no_module_is_named_for_nothing() -> None:
    assert not [p for p in MODULES if p.stem in {"utils", "util", "helpers", "misc", "common"}]


def test_functions_take_few_arguments() -> None:
    """At most eight, and no `**kwargs` in public signatures; compiled kernels are private."""
    functions = [
        (f"{path}:{node.lineno} {node.name}", node)
        for path in MODULES
        if "kernels" not in path.parts
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not any(said in ast.unparse(d) for d in node.decorator_list for said in FREE)
    ]
    assert len(functions) > 1000
    assert [place for place, node in functions if arguments_of(node) > MOST_ARGUMENTS] == []
    public = [(place, node) for place, node in functions if not node.name.startswith("_")]
    assert [place for place, node in public if node.args.kwarg is not None] == []


def arguments_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return len([one for one in every if one.arg not in {"self", "cls"}])


def test_the_order_in_the_docs_is_the_order_tested() -> None:
    text = (SRC.parents[1] / "ARCHITECTURE.md").read_text()
    places = [text.find(f"| `{package}/` |") for package in PACKAGES]
    assert -1 not in places, [p for p, at in zip(PACKAGES, places, strict=True) if at < 0]
    assert all(a < b for a, b in pairwise(places))
