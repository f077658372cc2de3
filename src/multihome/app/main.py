"""The console script: hands the command line what it starts. Imports what a command needs only when it runs."""

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multihome.app.version import VERSION
from multihome.cli.launchers import (
    Exported,
    KeptHead,
    LaunchError,
    Launchers,
    Proofs,
    Published,
    Simulated,
    SimulateOptions,
    StartOptions,
)
from multihome.cli.main import run
from multihome.client.directory import ServerInfo

if TYPE_CHECKING:
    from multihome.clauses.book import Book
    from multihome.domain.accelerators import AcceleratorType
    from multihome.domain.ids import AcceleratorName
    from multihome.procurement.conflicts import Checked
    from multihome.views.audit import AuditReport


def main() -> None:
    """Run the command line."""
    run(
        Launchers(
            version=VERSION,
            mint=_mint,
            serve=_serve,
            start=_start,
            stop=_stop,
            begin_outage=_begin_outage,
            end_outage=_end_outage,
            audit=_audit,
            restore=_restore,
            campaign=_campaign,
            check_contracts=_check_contracts,
            demo=_demo,
            simulate=_simulate,
            proofs=Proofs(
                export=_export, sign=_sign_head, publish=_publish_head, stamp=_stamp_head, public_key=_public_key
            ),
        )
    )


def _mint() -> str:
    from multihome.adapters.clock_os.clock import OsIdMint  # noqa: PLC0415

    return OsIdMint().mint()


def _serve(options: StartOptions) -> None:
    # What is imported stays: the collector would walk it again and again as it grows, a tenth of a start's time.
    gc.disable()
    from multihome.app.serve import serve  # noqa: PLC0415
    from multihome.ports.journal import JournalBrokenError, JournalFullError  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    try:
        serve(options)
    except (JournalBrokenError, JournalFullError) as error:
        msg = f"the journal in {options.state} cannot be used: {error}"
        raise LaunchError(msg) from error


def _start(options: StartOptions) -> ServerInfo:
    from multihome.app.processes import start_detached  # noqa: PLC0415

    return start_detached(options)


def _stop(state: Path) -> int | None:
    from multihome.app.processes import stop  # noqa: PLC0415

    return stop(state)


def _begin_outage(state: Path, provider: str) -> int:
    from multihome.adapters.clock_os.clock import OsClock  # noqa: PLC0415
    from multihome.adapters.engine_local.drill import UnknownProviderError, begin_outage  # noqa: PLC0415
    from multihome.domain.ids import ProviderId  # noqa: PLC0415

    try:
        return begin_outage(state, ProviderId(provider), OsClock())
    except (UnknownProviderError, OSError, RuntimeError) as error:
        msg = f"no outage of {provider} on {state}: {error}"
        raise LaunchError(msg) from error


def _end_outage(state: Path, provider: str) -> None:
    from multihome.adapters.engine_local.drill import UnknownProviderError, end_outage  # noqa: PLC0415
    from multihome.domain.ids import ProviderId  # noqa: PLC0415

    try:
        end_outage(state, ProviderId(provider))
    except (UnknownProviderError, OSError) as error:
        msg = f"no end to an outage of {provider} on {state}: {error}"
        raise LaunchError(msg) from error


def _audit(state: Path) -> "AuditReport":
    from multihome.app.journals import audit_state  # noqa: PLC0415

    return audit_state(state)


def _restore(file: Path, state: Path) -> int:
    from multihome.app.journals import restore  # noqa: PLC0415

    return restore(file, state)


def _campaign(name: str, size: str, seeds: int, as_json: bool) -> int:  # noqa: FBT001 -- what the command line calls
    from multihome.app.campaigns import campaign  # noqa: PLC0415

    return campaign(name, size, seeds, as_json=as_json)


def _check_contracts(book: "Book", accelerators: "Mapping[AcceleratorName, AcceleratorType]") -> "Checked":
    from multihome.app.checks import check_contracts  # noqa: PLC0415

    return check_contracts(book, accelerators)


def _demo(state: Path | None, keep: bool) -> int:  # noqa: FBT001 -- what the command line calls
    from multihome.app.demo import demo  # noqa: PLC0415

    return demo(state or Path("build/demo"), Path("scenarios/frontier-lab"), keep=keep)


def _simulate(options: SimulateOptions) -> Simulated:
    from multihome.app.simulations import simulate  # noqa: PLC0415

    return simulate(options)


def _export(state: Path, contract: str, file: Path) -> Exported:
    from multihome.app.evidence import export  # noqa: PLC0415

    return export(state, contract, file)


def _sign_head(state: Path) -> KeptHead:
    from multihome.app.heads import sign  # noqa: PLC0415

    return sign(state)


def _publish_head(state: Path, targets: Sequence[str]) -> Published:
    from multihome.app.heads import publish  # noqa: PLC0415

    return publish(state, targets)


def _stamp_head(state: Path, authority: str, head: Path | None) -> tuple[str, Path]:
    from multihome.app.heads import stamp  # noqa: PLC0415

    return stamp(state, authority, head)


def _public_key(state: Path) -> str:
    from multihome.app.heads import public_key  # noqa: PLC0415

    return public_key(state)


if __name__ == "__main__":
    main()
