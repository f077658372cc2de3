"""Sentences that are as wide as the terminal, with what is wrapped set in below its beginning."""

import textwrap
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

INDENT = 2


class Hanging:
    """Lines, each wrapped between words; a word that is wider than the terminal stays whole, to be copied."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the lines; each may begin with spaces of its own."""
        self._lines = tuple(lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """What Rich prints on a terminal of the width that the options say."""
        del console
        for line in self._lines:
            for part in wrapped(line, options.max_width):
                yield Text(part, no_wrap=True, overflow="ignore")


def wrapped(line: str, width: int) -> list[str]:
    """A line in parts no wider than `width` columns, as far as its words allow."""
    own = len(line) - len(line.lstrip(" "))
    parts = textwrap.wrap(
        line,
        # Something must be left of a line on a terminal that is narrower than the indentation.
        max(width, own + INDENT + 1),
        subsequent_indent=" " * (own + INDENT),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return parts or [""]
