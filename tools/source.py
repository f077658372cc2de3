"""Reads the source as text: docstrings, constants and imports, wherever Python itself keeps none of them."""

import ast
import importlib
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"


class Constant(msgspec.Struct, frozen=True):
    """A public whole-number constant of a module: its value, and the docstring that stands below it."""

    module: str
    name: str
    value: int
    text: str


def module_of(path: Path) -> str:
    """The dotted name of a file under `src`."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_files(package: str) -> list[Path]:
    """All files of a package, in order."""
    return sorted((SOURCE / package.replace(".", "/")).rglob("*.py"))


def one_line(text: str | None) -> str:
    """A docstring's first paragraph on one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def member_docs(enum: type[Enum]) -> dict[str, str]:
    """The docstring below each member of an enumeration, by the member's name."""
    [node] = [
        node
        for node in ast.walk(_tree(enum.__module__))
        if isinstance(node, ast.ClassDef) and node.name == enum.__name__
    ]
    return dict(_documented(node.body))


def constants(package: str) -> Iterator[Constant]:
    """Every public constant of a package that is a whole number, in order of module and line."""
    for path in python_files(package):
        module = module_of(path)
        body = ast.parse(path.read_text(encoding="utf-8")).body
        docs = dict(_documented(body))
        for name in _assigned(body):
            if not name.isupper() or name.startswith("_"):
                continue
            value: object = getattr(importlib.import_module(module), name)
            if isinstance(value, int) and not isinstance(value, bool):
                yield Constant(module, name, value, docs.get(name, ""))


def imports(package: str) -> Iterator[str]:
    """The modules that a package's files import, repeats included."""
    for path in python_files(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def strings(folder: Path) -> Iterator[str]:
    """Every text constant in the Python files of a folder, docstrings included."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _tree(module: str) -> ast.Module:
    base = SOURCE / module.replace(".", "/")
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _assigned(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Assigned names that a docstring follows."""
    for node, below in pairwise(body):
        if not isinstance(below, ast.Expr) or not isinstance(below.value, ast.Constant):
            continue
        text = below.value.value
        if isinstance(text, str):
            yield from ((name, one_line(text)) for name in _assigned([node]))
