"""JSON Schemas of the documents, for editors: `python -m multihome.files.schemas OUTDIR` writes them."""

import json
import sys
from pathlib import Path

from multihome.wire.documents import DOCUMENT_KINDS, document_schema

# `task` is another word for `workload` and has its schema.
SCHEMA_KINDS = tuple(kind for kind in DOCUMENT_KINDS if kind != "task")


def schema_texts() -> dict[str, str]:
    """Every schema as its file has it, by file name."""
    return {f"{kind}.json": json.dumps(document_schema(kind), indent=2) + "\n" for kind in SCHEMA_KINDS}


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
