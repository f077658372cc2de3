"""The webhook adapter against a real receiver on loopback, which checks the signature by the specification's words."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from multihome.adapters.webhooks import WebhookNotifier, key_of, signature
from multihome.domain.notifications import Notification, Webhook
from multihome.ports.notifier import NotificationUnsentError

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
STAMP_S = 1_750_000_000
TOLD = Notification(id="award-made:A-1", code="award_made", subject="A-1", text="taken", occurred_ms=5, due_ms=9)


SECRETS = {
    "desk-key": SECRET,
    "plain": "a key that is no base64 and has no prefix",
    "short": "whsec_" + base64.b64encode(bytes(23)).decode(),
    "long": "whsec_" + base64.b64encode(bytes(65)).decode(),
    "unpadded": SECRET.rstrip("="),
    "least": "whsec_" + base64.b64encode(bytes(24)).decode() + "\n",
}
TOLERANCE_S = 300


def verified(secret: str, headers: dict[str, str], body: bytes, now_s: int) -> bytes:
    """A receiver, from the words of the Standard Webhooks specification 1.0.0 alone; the body where it may be trusted.

    The key is the base64 after `whsec_`; what was signed is id, timestamp and body with full stops between; the header
    has signatures with spaces between, each a version, a comma and base64; old and future attempts are refused.
    """
    prefix, _, text = secret.partition("_")
    assert prefix == "whsec"
    sent_s = int(headers["webhook-timestamp"])
    if abs(now_s - sent_s) > TOLERANCE_S:
        raise PermissionError(sent_s)
    content = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    inner, outer = (bytes(byte ^ pad for byte in base64.b64decode(text).ljust(64, b"\0")) for pad in (0x36, 0x5C))
    # HMAC as RFC 2104 defines it, not by the library that the sender uses.
    own = hashlib.sha256(outer + hashlib.sha256(inner + content).digest()).digest()
    for signed in headers["webhook-signature"].split(" "):
        version, _, given = signed.partition(",")
        if version == "v1" and hmac.compare_digest(own, base64.b64decode(given)):
            return body
    raise PermissionError(headers["webhook-signature"])


class StillClock:
    def wall_ms(self) -> int:
        return STAMP_S * 1_000 + 999

    def monotonic_ms(self) -> int:
        return 0


class Receiver(HTTPServer):
    status = 204
    location = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.seen: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("location", self.server.location)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base class's
        del format, args


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def notifier(*hosts: str) -> WebhookNotifier:
    return WebhookNotifier(StillClock(), SECRETS.__getitem__, hosts)


def hook(url: str, secret: str = "desk-key") -> Webhook:
    return Webhook(id="desk", url=url, secret=secret)


def test_a_receiver_can_check_who_sent_it_and_that_it_is_whole() -> None:
    with receiving() as receiver:
        notifier().send(hook(receiver.url), TOLD)
        [(headers, body)] = receiver.seen
    assert msgspec.json.decode(verified(SECRET, headers, body, STAMP_S), type=Notification) == TOLD
    assert headers["webhook-id"] == TOLD.id
    assert headers["webhook-timestamp"] == str(STAMP_S)
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda secret, headers, body: (secret, headers, body + b" "),
        lambda secret, headers, body: (secret, headers | {"webhook-id": "another"}, body),
        lambda secret, headers, body: (secret, headers | {"webhook-timestamp": str(STAMP_S + 1)}, body),
        lambda secret, headers, body: (secret.replace("A", "B", 1), headers, body),
    ],
)
def test_whatever_is_changed_on_the_way_is_seen(spoilt: Callable[..., tuple[str, dict[str, str], bytes]]) -> None:
    with receiving() as receiver:
        notifier().send(hook(receiver.url), TOLD)
        [(headers, body)] = receiver.seen
    with pytest.raises(PermissionError, match="v1,"):
        verified(*spoilt(SECRET, headers, body), STAMP_S)
    with pytest.raises(PermissionError, match=str(STAMP_S)):
        verified(SECRET, headers, body, STAMP_S + TOLERANCE_S + 1)


def test_the_example_of_the_specifications_own_libraries_is_signed_alike() -> None:
    """The fixed vector that the reference implementations test themselves with."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert key is not None
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_id_with_full_stops_is_told_without_them() -> None:
    """Else what is signed could be read as another id with another timestamp."""
    dotted = msgspec.structs.replace(TOLD, id="period_ends:v1.2:100%")
    with receiving() as receiver:
        notifier().send(hook(receiver.url), dotted)
        [(headers, body)] = receiver.seen
    assert headers["webhook-id"] == "period_ends:v1%2E2:100%25"
    assert msgspec.json.decode(verified(SECRET, headers, body, STAMP_S), type=Notification).id == dotted.id


@pytest.mark.parametrize("name", ["plain", "short", "long", "unpadded"])
def test_a_key_that_is_written_otherwise_is_refused_and_not_shown(name: str) -> None:
    with receiving() as receiver:
        with pytest.raises(
            NotificationUnsentError, match="is not written as whsec_ and the base64 of 24 to 64"
        ) as told:
            notifier().send(hook(receiver.url, secret=name), TOLD)
        assert SECRETS[name] not in str(told.value)
        assert receiver.seen == []


def test_the_shortest_key_and_a_line_end_behind_it_are_accepted() -> None:
    with receiving() as receiver:
        notifier().send(hook(receiver.url, secret="least"), TOLD)
        [(headers, body)] = receiver.seen
    assert verified(SECRETS["least"].strip(), headers, body, STAMP_S) == body


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_anything_but_a_yes_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    with receiving() as receiver:
        receiver.status, receiver.location = status, receiver.url
        with pytest.raises(NotificationUnsentError, match=f"answered {status}"):
            notifier().send(hook(receiver.url), TOLD)
        assert len(receiver.seen) == 1


def test_nobody_there() -> None:
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(NotificationUnsentError, match="ConnectError"):
        notifier().send(hook(url), TOLD)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://169.254.169.254/latest", "is not among the hosts that may be called"),
        ("https://elsewhere.example/", "is not among the hosts that may be called"),
        ("https://127.0.0.1@elsewhere.example/", "is not among the hosts that may be called"),
        ("http://desk.example/", "is not called without TLS"),
    ],
)
def test_hosts_that_were_not_allowed_and_open_lines_are_not_called(url: str, wrong: str) -> None:
    with pytest.raises(NotificationUnsentError, match=wrong):
        notifier("desk.example").send(hook(url), TOLD)


def test_a_key_that_is_missing_is_told() -> None:
    with receiving() as receiver:
        with pytest.raises(NotificationUnsentError, match="signing key 'other' cannot be read"):
            notifier().send(hook(receiver.url, "other"), TOLD)
        assert not receiver.seen
