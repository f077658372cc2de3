"""What a state directory tells about the control plane that runs on it: its address, its process, its token."""

from pathlib import Path

import msgspec

TOKEN_FILE = "token"  # noqa: S105 -- the name of a file
SERVER_FILE = "server.json"


class ServerInfo(msgspec.Struct, frozen=True):
    """A control plane that is ready."""

    address: str
    pid: int


class NotRunningError(Exception):
    """No control plane answers for a state directory."""

    def __init__(self, state: Path) -> None:
        """Say for which."""
        super().__init__(f"no control plane runs on {state}; start one with `multihome up --state {state}`")
        self.state = state


def read_server(state: Path) -> ServerInfo:
    """Where the control plane of a state directory answers.

    Raises:
        NotRunningError: none is ready there.
    """
    try:
        return msgspec.json.decode((state / SERVER_FILE).read_bytes(), type=ServerInfo)
    except (OSError, msgspec.MsgspecError):
        raise NotRunningError(state) from None


def read_token(state: Path) -> str:
    """The token that its control plane wants.

    Raises:
        NotRunningError: there is none, or it is another user's.
    """
    try:
        return (state / TOKEN_FILE).read_text("ascii").strip()
    except OSError:
        raise NotRunningError(state) from None
