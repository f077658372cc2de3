"""The key in its file, and what is done with it."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KEY_FILE = "head-key.pem"
OTHERS_MASK = 0o077


class KeyUnusableError(Exception):
    """The key's file cannot be read, made, or trusted; nothing was signed. Trying again does not help."""


class Ed25519Signer:
    """Signs with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Take the key."""
        self._key = key

    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def public_pem(self) -> str:
        """The public key in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def sign(self, statement: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._key.sign(statement)


def open_signer(directory: Path) -> Ed25519Signer:
    """The signer of a directory, whose key is made where there is none.

    Raises:
        KeyUnusableError: the file cannot be used, or others may read it.
    """
    path = directory / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & OTHERS_MASK:
            msg = f"{path} may be read by others; make a new key, or set its mode to 600 if you know that nobody did"
            raise KeyUnusableError(msg)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise KeyUnusableError(msg) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        msg = f"{path} holds no private key: {error}"
        raise KeyUnusableError(msg) from error
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} holds a key of another kind than Ed25519"
        raise KeyUnusableError(msg)
    return Ed25519Signer(key)


def signer_of_seed(seed: bytes) -> Ed25519Signer:
    """The signer whose key follows from 32 bytes: for simulations, which must come out the same each time."""
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(seed))


def _make(path: Path) -> None:
    """A new key, there as a whole or not at all; of two that are made at once, the first stays."""
    body = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(part, path)
    except FileExistsError:
        return
    finally:
        part.unlink(missing_ok=True)
