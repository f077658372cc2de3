"""The text to learn from: files and directories as one array of bytes, and the samples of a step drawn from it."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model import Bytes

CORPUS_BYTES_MAX = 4 * 1024 * 1024
FILES_MAX = 2_000
SUFFIXES = (".md", ".txt")


def documentation(repository: Path) -> list[Path]:
    """The documents of a repository as people know them: those at its root, and everything under docs."""
    docs = repository / "docs"
    return [*sorted(repository.glob("*.md")), *([docs] if docs.is_dir() else [])]


def read_corpus(paths: Sequence[Path]) -> Bytes:
    """The bytes of these files, and of the Markdown and text files in these directories, in a fixed order.

    What lies beyond `CORPUS_BYTES_MAX` and `FILES_MAX` is left out.

    Raises:
        OSError: a named file cannot be read.
    """
    text = bytearray()
    for source in islice(chain.from_iterable(_files(path) for path in paths), FILES_MAX):
        with source.open("rb") as file:
            text += file.read(CORPUS_BYTES_MAX - len(text))
        if len(text) == CORPUS_BYTES_MAX:
            break
    return np.frombuffer(bytes(text), dtype=np.uint8)


def draw(corpus: Bytes, context: int, samples: int, key: tuple[int, int, int]) -> tuple[Bytes, Bytes]:
    """Windows (samples, context) and the byte that follows each, decided by (seed, step, micro-shard) alone."""
    starts = np.random.default_rng(key).integers(0, len(corpus) - context, samples)
    return corpus[starts[:, None] + np.arange(context)], corpus[starts + context]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return [path]
