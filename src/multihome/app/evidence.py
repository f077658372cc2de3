"""Writes evidence bundles from the journal of a state directory."""

import base64
import os
from pathlib import Path

from multihome.app.heads import keep_signed, signer_of, stamped_heads
from multihome.app.journals import at_rest
from multihome.app.version import VERSION
from multihome.cli.launchers import Exported, LaunchError
from multihome.domain.ids import ContractId
from multihome.ports.journal import Journal
from multihome.runtime.loop import replay
from multihome.views.bundle import BUNDLE_FORMAT, BundleHead, BundleStamp, Manifest, manifest_line, record_line


def export(state: Path, contract: str, file: Path) -> Exported:
    """Write the evidence of a contract to a new file: all of it or nothing.

    Raises:
        LaunchError: there is no such contract or no journal, the file is there, or it cannot be written.
    """
    if file.exists():
        msg = f"{file} is there already; name a new file"
        raise LaunchError(msg)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with at_rest(state) as journal:
            exported = _write(state, journal, contract, part)
        part.replace(file)
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise LaunchError(msg) from error
    finally:
        part.unlink(missing_ok=True)
    return Exported(file, exported.records, exported.head)


def _write(state: Path, journal: Journal, contract: str, part: Path) -> Exported:
    known, seq, hash_ = replay(journal)
    if ContractId(contract) not in known.contracts:
        names = ", ".join(sorted(known.contracts)) or "none"
        msg = f"no contract is called {contract!r} (known: {names})"
        raise LaunchError(msg)
    stamps = (BundleStamp(text, base64.b64encode(token).decode()) for text, token in stamped_heads(state))
    manifest = Manifest(
        BUNDLE_FORMAT,
        f"multihome {VERSION}",
        contract,
        BundleHead(seq, hash_),
        signer_of(state).public_pem(),
        keep_signed(state, (seq, hash_)).text,
        tuple(stamps),
    )
    records = 0
    # Readable by its owner only: it holds every contract. Whoever hands it on decides to.
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(manifest_line(manifest))
        for row in journal.read(0):
            file.write(record_line(row))
            records += 1
        file.flush()
        os.fsync(file.fileno())
    return Exported(part, records, f"{seq}:{hash_}")
