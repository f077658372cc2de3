"""Signed heads: the number and hash of a journal's last record, said by the holder of an Ed25519 key.

A head is one JSON object. What is signed are the lines of `statement`, not the JSON, so that nobody has to agree on how
JSON is written.
"""

import base64
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from multihome_verify.chain import Anchor
from multihome_verify.fields import Fields, UnreadableError

HEAD_FORMAT = 1
HEAD_BYTES_MAX = 64 * 1024


@dataclass(frozen=True)
class Head:
    """A signed head as it was read; nothing of it is verified yet. `text` is what a time stamp stamps."""

    anchor: Anchor
    signed_ms: int
    public_key: bytes
    signature: bytes
    text: bytes


def statement(seq: int, hash_: str, signed_ms: int) -> bytes:
    """What the signature is over."""
    return f"multihome head {HEAD_FORMAT}\n{seq}\n{hash_}\n{signed_ms}\n".encode("ascii", "backslashreplace")


def read_head(text: bytes) -> Head:
    """A head from the bytes of its file.

    Raises:
        UnreadableError: it is none, or of another format.
    """
    try:
        if len(text) > HEAD_BYTES_MAX:
            msg = f"a head has at most {HEAD_BYTES_MAX} bytes"
            raise UnreadableError(msg)
        fields = Fields(json.loads(text))
        if fields.whole("multihome_head") != HEAD_FORMAT:
            msg = f"this program reads heads of format {HEAD_FORMAT}"
            raise UnreadableError(msg)
        return Head(
            Anchor(fields.whole("seq"), fields.text("hash")),
            fields.whole("signed_ms"),
            base64.b64decode(fields.text("public_key"), validate=True),
            base64.b64decode(fields.text("signature"), validate=True),
            text,
        )
    except (ValueError, RecursionError) as error:
        msg = f"no head: {type(error).__name__}"
        raise UnreadableError(msg) from error


def read_public_key(pem: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM.

    Raises:
        UnreadableError: it is none.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        msg = "no public key in PEM"
        raise UnreadableError(msg) from error
    if not isinstance(key, Ed25519PublicKey):
        msg = "the public key is not one of Ed25519"
        raise UnreadableError(msg)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def is_signed(head: Head, public_key: bytes) -> bool:
    """Say whether the holder of that key signed the head."""
    try:
        signed = statement(head.anchor.seq, head.anchor.hash, head.signed_ms)
        Ed25519PublicKey.from_public_bytes(public_key).verify(head.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
