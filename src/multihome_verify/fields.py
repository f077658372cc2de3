"""Reads fields out of decoded JSON that anybody may have written: a field is of its type, or the reading ends."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

INSTANT_MS_MIN = -62_135_596_800_000
INSTANT_MS_MAX = 253_402_300_799_999
"""Instants outside of the years 1 to 9999 are none."""

_T = TypeVar("_T")


class UnreadableError(Exception):
    """A field is missing or of another type; the message names it."""


class Fields:
    """The fields of one JSON object."""

    def __init__(self, value: object) -> None:
        """Take a decoded value.

        Raises:
            UnreadableError: it is no object.
        """
        if type(value) is not dict:
            msg = "an object was expected"
            raise UnreadableError(msg)
        self._values: dict[str, Any] = value

    def has(self, name: str) -> bool:
        """Say whether the field is there, with a value."""
        return self._values.get(name) is not None

    def text(self, name: str, otherwise: str | None = None) -> str:
        """A text; `otherwise` where the field may be left out."""
        return self._typed(name, str, otherwise)

    def whole(self, name: str, otherwise: int | None = None) -> int:
        """A whole number."""
        return self._typed(name, int, otherwise)

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """A truth value."""
        return self._typed(name, bool, otherwise)

    def instant(self, name: str) -> int:
        """An instant in milliseconds."""
        found = self.whole(name)
        if not INSTANT_MS_MIN <= found <= INSTANT_MS_MAX:
            msg = f"{name} is no instant"
            raise UnreadableError(msg)
        return found

    def inner(self, name: str) -> "Fields":
        """An object within; one without fields where it is left out."""
        return Fields(self._values.get(name, {}))

    def each(self, name: str, read: "Callable[[Fields], _T]") -> tuple[_T, ...]:
        """A list of objects, each as `read` makes it; none where it is left out."""
        return tuple(read(Fields(item)) for item in self._list(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; none where it is left out."""
        found = self._list(name)
        if not all(type(item) is str for item in found):
            msg = f"{name} is no list of texts"
            raise UnreadableError(msg)
        return tuple(found)

    def _list(self, name: str) -> list[Any]:
        found = self._values.get(name, [])
        if type(found) is not list:
            msg = f"{name} is no list"
            raise UnreadableError(msg)
        return cast("list[Any]", found)

    def _typed(self, name: str, kind: type[_T], otherwise: _T | None) -> _T:
        found = self._values.get(name, otherwise)
        # `type() is`, since a truth value is a whole number too, by its class.
        if type(found) is not kind:
            msg = f"{name} is missing, or no {kind.__name__}"
            raise UnreadableError(msg)
        return found
