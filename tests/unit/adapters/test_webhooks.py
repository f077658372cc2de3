"""The webhook adapter against a real receiver on loopback, which checks the signature by the specification's words."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from multihome.adapters.webhooks import WebhookNotifier
from multihome.domain.notifications import Notification, Webhook
from multihome.ports.notifier import NotificationUnsentError

KEY = "a key of this test"
STAMP_S = 1_750_000_000
TOLD = Notification(id="award-made:A-1", code="award_made", subject="A-1", text="taken", occurred_ms=5, due_ms=9)


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
    return WebhookNotifier(StillClock(), {"desk-key": KEY}.__getitem__, hosts)


def hook(url: str, secret: str = "desk-key") -> Webhook:
    return Webhook(id="desk", url=url, secret=secret)


def test_a_receiver_can_check_who_sent_it_and_that_it_is_whole() -> None:
    with receiving() as receiver:
        notifier().send(hook(receiver.url), TOLD)
        [(headers, body)] = receiver.seen
    assert msgspec.json.decode(body, type=Notification) == TOLD
    assert headers["webhook-id"] == TOLD.id
    signed = b".".join([TOLD.id.encode(), str(STAMP_S).encode(), body])
    expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(STAMP_S)


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
