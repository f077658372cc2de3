"""An evidence bundle, line by line: a manifest, then every record of the journal, each a JSON object of its own.

One file that is written and read from front to back: nothing to unpack, so no path within it can lead anywhere. Holds
the whole journal, since a chain of hashes over bodies can be checked only where every body is there.
"""

import msgspec

from multihome.ports.journal import JournalRow

BUNDLE_FORMAT = 1


class BundleHead(msgspec.Struct, frozen=True):
    """The last record of a bundle."""

    seq: int
    hash: str


class BundleStamp(msgspec.Struct, frozen=True):
    """A signed head as its file has it, and the RFC 3161 answer about it, in base64."""

    head: str
    token: str


class Manifest(msgspec.Struct, frozen=True):
    """What a bundle says of itself. `public_key` is PEM, `signed_head` the text of a signed head of the last record."""

    multihome_bundle: int
    program: str
    contract: str
    head: BundleHead
    public_key: str
    signed_head: str
    stamps: tuple[BundleStamp, ...]


def manifest_line(manifest: Manifest) -> bytes:
    """A bundle's first line."""
    return msgspec.json.encode(manifest) + b"\n"


def record_line(row: JournalRow) -> bytes:
    """One record, its body as the text that was hashed; `body_base64` where that is no UTF-8."""
    try:
        return msgspec.json.encode({"seq": row.seq, "hash": row.hash, "body": row.body.decode()}) + b"\n"
    except UnicodeDecodeError:
        return msgspec.json.encode({"seq": row.seq, "hash": row.hash, "body_base64": row.body}) + b"\n"
