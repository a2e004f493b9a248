"""The program's own source as syntax trees, for tests that hold rules over all of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from connector import errors

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "connector"
ERROR_CLASSES = frozenset(
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.ConnectorError)
)


@cache
def modules() -> dict[str, ast.Module]:
    """Path below connector/, e.g. `core/model.py` -> its tree. Packaged data is left out."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"), str(path))
        for path in sorted(PACKAGE.rglob("*.py"))
        if "data" not in path.relative_to(PACKAGE).parts[:1]
    }


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every import, also those inside functions; `from a import b` counts as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def raised_codes() -> Iterator[tuple[str, set[str] | None, str]]:
    """(code, names of its facts or None when they are not all literal, place) of every error that is made.

    A code that is put together stands as a pattern with `*` for the parts that are not literal.
    """
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in ERROR_CLASSES:
                continue
            facts = {keyword.arg for keyword in node.keywords if keyword.arg}
            whole = all(keyword.arg for keyword in node.keywords)
            for code in _texts(node.args[0]):
                yield code, facts if whole else None, f"{name}:{node.lineno}"


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
