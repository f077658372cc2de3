"""The port through which a head of the journal is signed, and what exactly is signed, which every signer shares."""

import base64
from typing import Protocol

import msgspec

HEAD_FORMAT = 1


class SignedHead(msgspec.Struct, frozen=True):
    """The number and hash of the last record, said at a time of the wall clock by the holder of a key.

    Key and signature are base64 of the 32 and 64 bytes that Ed25519 has.
    """

    multihome_head: int
    seq: int
    hash: str
    signed_ms: int
    public_key: str
    signature: str


def head_statement(seq: int, hash_: str, signed_ms: int) -> bytes:
    """What the signature is over: four lines, so that nobody has to agree on how JSON is written."""
    return f"multihome head {HEAD_FORMAT}\n{seq}\n{hash_}\n{signed_ms}\n".encode("ascii")


class HeadSigner(Protocol):
    """Holds a key that leaves the machine only in its public half."""

    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        ...

    def public_pem(self) -> str:
        """The public key as other programs read it."""
        ...

    def sign(self, statement: bytes) -> bytes:
        """The signature over a statement."""
        ...


def sign_head(signer: HeadSigner, head: tuple[int, str], signed_ms: int) -> SignedHead:
    """Sign a journal's head."""
    seq, hash_ = head
    signature = signer.sign(head_statement(seq, hash_, signed_ms))
    return SignedHead(
        HEAD_FORMAT,
        seq,
        hash_,
        signed_ms,
        base64.b64encode(signer.public_key()).decode(),
        base64.b64encode(signature).decode(),
    )
