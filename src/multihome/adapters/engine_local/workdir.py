"""A workload's files, copied into the directory that each rank runs in."""

import shutil
from pathlib import Path

from multihome.adapters.engine_local.settings import EngineSettings
from multihome.ports.engine import LaunchRefusedError


def check_workdir(workdir: Path, settings: EngineSettings) -> None:
    """Refuse what is no directory of plain files, directories and links within the limits.

    Raises:
        LaunchRefusedError: says what is wrong with it.
    """
    if not workdir.is_dir():
        msg = f"the workdir {workdir} is no directory on this machine"
        raise LaunchRefusedError(msg)
    files = size_bytes = 0
    for path in workdir.rglob("*"):
        if path.is_symlink() or path.is_dir():
            continue
        if not path.is_file():
            msg = f"the workdir holds {path}, which is no plain file"
            raise LaunchRefusedError(msg)
        files += 1
        size_bytes += path.stat().st_size
        if files > settings.workdir_files_max or size_bytes > settings.workdir_bytes_max:
            limits = f"{settings.workdir_files_max} files or {settings.workdir_bytes_max} bytes"
            msg = f"the workdir {workdir} holds more than {limits}; read large data from where it lies"
            raise LaunchRefusedError(msg)


def copy_workdir(workdir: Path, target: Path) -> None:
    """Copy the files into an existing directory; links stay links."""
    shutil.copytree(workdir, target, symlinks=True, dirs_exist_ok=True)
