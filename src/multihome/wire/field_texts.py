"""What the fields of a class mean: the docstrings that stand below them, read from its source when a schema wants them.

Pydantic would read them where a class is made: a third of what importing all shapes costs, at every start, for texts
that only a schema shows.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise


def field_texts(shape: type, root: type) -> dict[str, str]:
    """The docstring of each field, by name, of a class and of those it comes from up to `root`, the nearest first."""
    found: dict[str, str] = {}
    for each in shape.__mro__:
        if each is not root and issubclass(each, root):
            found = {**dict(_own(each)), **found}
    return found


@cache
def _own(shape: type) -> tuple[tuple[str, str], ...]:
    module = ast.parse(textwrap.dedent(inspect.getsource(shape)))
    return tuple(_texts(module.body[0]))


def _texts(node: ast.stmt) -> Iterator[tuple[str, str]]:
    assert isinstance(node, ast.ClassDef), "the source of a class is a class"
    for field, text in pairwise(node.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words)
            case _:
                pass
