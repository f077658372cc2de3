"""RFC 3161 time stamps: an authority's word that a head existed at a time. Parsed and verified by `rfc3161-client`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response

from multihome_verify.fields import UnreadableError

STAMP_BYTES_MAX = 1024 * 1024
_DIGESTS = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}


@dataclass(frozen=True)
class Stamp:
    """A time stamp that is of the head beside it; `authority_verified` says whether its signature was verified too."""

    time: str
    authority_verified: bool


def read_certificates(pem: bytes) -> Sequence[x509.Certificate]:
    """The certificates of a PEM file that are trusted.

    Raises:
        UnreadableError: there is none in it.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        msg = "no certificate in PEM"
        raise UnreadableError(msg) from error


def check_stamp(token: bytes, head: bytes, trusted: Sequence[x509.Certificate]) -> Stamp:
    """What a time stamp response says of a head. Without trusted certificates only its imprint is compared.

    Raises:
        UnreadableError: it is no time stamp, of something else, or not signed under a trusted certificate.
    """
    if len(token) > STAMP_BYTES_MAX:
        msg = f"a time stamp has at most {STAMP_BYTES_MAX} bytes"
        raise UnreadableError(msg)
    try:
        response = decode_timestamp_response(token)
        _check(response, head, trusted)
        return Stamp(response.tst_info.gen_time.isoformat(), bool(trusted))
    except UnreadableError:
        raise
    except Exception as error:
        # The parser is another's, and its input anybody's: whatever it throws, the answer is that it is no time stamp.
        msg = f"no time stamp that holds: {type(error).__name__}: {str(error)[:200]}"
        raise UnreadableError(msg) from error


def _check(response: TimeStampResponse, head: bytes, trusted: Sequence[x509.Certificate]) -> None:
    imprint = response.tst_info.message_imprint
    digest = _DIGESTS.get(imprint.hash_algorithm.dotted_string)
    if digest is None or hashlib.new(digest, head).digest() != imprint.message:
        msg = "the time stamp is of something else than this head"
        raise UnreadableError(msg)
    if trusted:
        builder = VerifierBuilder()
        for certificate in trusted:
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, head)
