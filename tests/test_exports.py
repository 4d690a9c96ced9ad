"""What is public is listed, exists, and is all that the modules define without underscore."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "palate"
MODULES = [p for p in sorted(SRC.rglob("*.py")) if p.name != "__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_all_lists_what_exists(path: Path) -> None:
    tree = ast.parse(path.read_text())
    listed: list[str] | None = None
    defined: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.ImportFrom):  # a name may be passed on, if it is listed
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {t.id for t in targets if isinstance(t, ast.Name)}
            if "__all__" in names:
                assert node.value is not None
                listed = ast.literal_eval(node.value)
            defined |= names
    assert listed is not None, f"{path} has no __all__"
    assert sorted(listed) == sorted(set(listed)), f"{path}: a name twice in __all__"
    assert set(listed) <= defined, f"{path} lists {set(listed) - defined}"
