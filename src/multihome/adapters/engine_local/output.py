"""A rank's output in segments: `rank-0.log`, then `rank-0.log.<offset of its first byte>`; the oldest are dropped."""

from collections.abc import Iterator
from pathlib import Path

CHUNK_BYTES = 64 << 10


def read_output(run_dir: Path, rank: int, follow_from: int) -> Iterator[bytes]:
    """Chunks from a byte offset to the end of what is written; begins later where the offset has been dropped."""
    offset = max(0, follow_from)
    for start, path in _segments(run_dir, rank):
        try:
            with path.open("rb") as file:
                # Nothing of a segment that ends before the offset is read.
                file.seek(max(0, offset - start))
                while chunk := file.read(CHUNK_BYTES):
                    offset = start + file.tell()
                    yield chunk
        except FileNotFoundError:
            continue


def _segments(run_dir: Path, rank: int) -> list[tuple[int, Path]]:
    name = f"rank-{rank}.log"
    first = run_dir / name
    later = [(int(path.suffix[1:]), path) for path in run_dir.glob(f"{name}.*")]
    return sorted([(0, first), *later])
