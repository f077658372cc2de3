"""An outage of a provider, for drills: it acts on the state directory, behind the control plane's back."""

import os
from pathlib import Path
from urllib.parse import unquote

from multihome.adapters.engine_local.layout import Layout, locked
from multihome.adapters.engine_local.processes import kill_all_of
from multihome.adapters.engine_local.records import read_intent
from multihome.adapters.engine_local.settings import START_MS_MAX
from multihome.domain.ids import ProviderId
from multihome.ports.clock import Clock


class UnknownProviderError(Exception):
    """No engine here acts for a provider of that name; says for which one does."""

    def __init__(self, provider_id: ProviderId, known: tuple[str, ...]) -> None:
        """Keep the name that was asked for, and those that are known."""
        super().__init__(f"no local engine acts for {provider_id!r}; known are {', '.join(known) or 'none'}")


def begin_outage(root: Path, provider_id: ProviderId, clock: Clock) -> int:
    """Let a provider fall silent and kill all its processes; returns how many runs it had, ended ones included.

    Raises:
        UnknownProviderError: no such provider.
        OSError: a launch in progress does not end.
        RuntimeError: a process could not be killed.
    """
    layout = _layout(root, provider_id)
    layout.silent.touch(mode=0o600)
    tokens: set[str] = set()
    for name in os.listdir(layout.runs):  # noqa: PTH208 - names are all that is wanted
        intent = read_intent(layout.runs / name)
        if intent is None:
            continue
        # A launch in progress ends first; a later one sees the silence.
        with locked(layout.runs / name / "LAUNCH", clock, 2 * START_MS_MAX):
            tokens.add(intent.token)
    if not kill_all_of(tokens):
        msg = f"processes of {provider_id} are left"
        raise RuntimeError(msg)
    return len(tokens)


def end_outage(root: Path, provider_id: ProviderId) -> None:
    """Let a provider answer again; its runs are dead. Nothing happens if it was not silent.

    Raises:
        UnknownProviderError: no such provider.
    """
    _layout(root, provider_id).silent.unlink(missing_ok=True)


def _layout(root: Path, provider_id: ProviderId) -> Layout:
    """Where the engine of a provider lives, which its engine made when it began.

    Raises:
        UnknownProviderError: no engine ever did.
    """
    layout = Layout(root.absolute(), provider_id)
    if not layout.runs.is_dir():
        homes = layout.home.parent.glob("*/") if layout.home.parent.is_dir() else ()
        raise UnknownProviderError(provider_id, tuple(sorted(unquote(home.name) for home in homes)))
    return layout
