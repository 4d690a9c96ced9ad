"""What is public is listed, exists, and is all that the modules define without underscore."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).resolve().parents[1] / "src" / "palate"
MODULES = [p for p in sorted(SRC.rglob("*.py")) if p.name != "__init__.py"]


def test_all_lists_what_exists() -> None:
    wrong = {path: why for path in MODULES if (why := fault_of(path))}
    assert wrong == {}


def fault_of(path: Path) -> str | None:
    listed: list[str] | None = None
    defined: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.ImportFrom):  # a name may be passed on, if it is listed
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {t.id for t in targets if isinstance(t, ast.Name)}
            if "__all__" in names and node.value is not None:
                listed = ast.literal_eval(node.value)
            defined |= names
    if listed is None:
        return "has no __all__"
    if len(listed) > len(set(listed)):
        return "lists a name twice"
    return f"lists {set(listed) - defined}" if set(listed) - defined else None
