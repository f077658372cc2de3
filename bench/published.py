"""Public traces that benchmarks replay, where they are at hand. Measures nothing itself."""

import os
from pathlib import Path

from bench.registry import DataMissingError

ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The public traces: $MULTIHOME_DATA, or `shared/data` beside the repository.

    Raises:
        DataMissingError: they are not there.
    """
    folder = Path(os.environ.get("MULTIHOME_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        msg = f"no data at {folder}; set MULTIHOME_DATA"
        raise DataMissingError(msg)
    return folder
