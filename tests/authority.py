"""A time-stamping authority of its own: answers RFC 3161 questions on loopback, its DER put together by hand.

Written from the RFCs (3161 and 5652) and not with the library under test, which only asks and verifies.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STAMPED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TST_INFO = "1.2.840.113549.1.9.16.1.4"
SHA256 = "2.16.840.1.101.3.4.2.1"


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return der(0x31, *sorted(parts))


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    return der(0x04, value)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray([first * 40 + second])
    for arc in rest:
        low = [arc & 0x7F]
        while arc := arc >> 7:
            low.append(0x80 | (arc & 0x7F))
        body += bytes(reversed(low))
    return der(0x06, bytes(body))


def read(data: bytes) -> tuple[int, bytes, bytes]:
    """The tag and content of the first element, and what follows it."""
    length, at = data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at], "big")
    return data[0], data[at : at + length], data[at + length :]


class Authority:
    """Stamps whatever is asked; `status` 2 refuses."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65_537, 2_048)
        self.status = 0
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(4_711)
            .not_valid_before(STAMPED_AT - timedelta(days=365))
            .not_valid_after(STAMPED_AT + timedelta(days=365))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def answer(self, question: bytes) -> bytes:
        _, body, _ = read(question)
        _, _, body = read(body)
        _, imprint, body = read(body)
        nonce = b""
        while body:
            tag, content, body = read(body)
            nonce = der(tag, content) if tag == 0x02 else nonce
        if self.status:
            return sequence(sequence(integer(self.status)))
        when = der(0x18, STAMPED_AT.strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(integer(1), oid("1.2.3.4"), sequence(imprint), integer(17), when, nonce)
        return sequence(sequence(integer(0)), self._signed(info))

    def _signed(self, info: bytes) -> bytes:
        certificate = self.certificate.public_bytes(Encoding.DER)
        digest = sequence(oid(SHA256))
        attributes = (
            sequence(oid("1.2.840.113549.1.9.3"), set_of(oid(TST_INFO))),
            sequence(oid("1.2.840.113549.1.9.4"), set_of(octets(sha256(info).digest()))),
            sequence(
                oid("1.2.840.113549.1.9.16.2.47"),
                set_of(sequence(sequence(sequence(octets(sha256(certificate).digest()))))),
            ),
        )
        signature = self.key.sign(set_of(*attributes), padding.PKCS1v15(), hashes.SHA256())
        signer = sequence(
            integer(1),
            sequence(self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number)),
            digest,
            der(0xA0, *sorted(attributes)),
            sequence(oid("1.2.840.113549.1.1.11"), der(0x05)),
            octets(signature),
        )
        content = sequence(oid(TST_INFO), der(0xA0, octets(info)))
        signed = sequence(integer(3), set_of(digest), content, der(0xA0, certificate), set_of(signer))
        return sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, signed))


class Listener:
    """What arrived at a server on loopback, and what it answers."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.status = 200
        self.url = ""

    def reply(self, body: bytes) -> bytes:
        return body


class AuthorityListener(Listener):
    """Answers as the authority does."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self.authority = authority

    def reply(self, body: bytes) -> bytes:
        return self.authority.answer(body)


@contextmanager
def listening(listener: Listener) -> Iterator[Listener]:
    """A server that hands what it is posted to a listener."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            listener.received.append((self.headers["content-type"], body))
            answer = listener.reply(body)
            self.send_response(listener.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it overrides
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
