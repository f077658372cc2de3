"""Sends notifications to webhooks, signed as the Standard Webhooks specification says (symmetric scheme, version 1).

A receiver checks `webhook-signature`: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, with the key that the
secret holds as base64 after `whsec_`. Only hosts that were
allowed are called, over TLS unless they are this machine; no redirect is followed. Decides and retries nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

import httpx
import msgspec

from multihome.domain.notifications import Notification, Webhook
from multihome.ports.clock import Clock
from multihome.ports.notifier import NotificationUnsentError
from multihome.units.time import MS_PER_SECOND

TIMEOUT_S = 10
ANSWER_CHARACTERS_MAX = 200
SECRET_PREFIX = "whsec_"  # noqa: S105 -- it marks a secret, and is none
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64
"""How long a key may be, by the specification."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class WebhookNotifier:
    """Posts notifications as JSON."""

    def __init__(self, clock: Clock, read_secret: Callable[[str], str], allowed_hosts: Collection[str]) -> None:
        """Take the clock that stamps requests, where signing keys are read, and the hosts that may be called."""
        self._clock = clock
        self._read_secret = read_secret
        self._allowed = frozenset(allowed_hosts) | LOOPBACK
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    def send(self, webhook: Webhook, notification: Notification) -> None:
        """Post one notification; anything but a 2xx answer is a failure."""
        self._check(webhook.url)
        body = msgspec.json.encode(notification, order="deterministic")
        key = self._key(webhook.secret)
        webhook_id = header_id(notification.id)
        timestamp = str(self._clock.wall_ms() // MS_PER_SECOND)
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(key, webhook_id, timestamp, body),
        }
        try:
            answer = self._client.post(webhook.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            msg = f"{webhook.url}: {type(error).__name__}: {error}"
            raise NotificationUnsentError(msg) from error
        if not answer.is_success:
            msg = f"{webhook.url} answered {answer.status_code}: {answer.text[:ANSWER_CHARACTERS_MAX]}"
            raise NotificationUnsentError(msg)

    def _key(self, name: str) -> bytes:
        try:
            secret = self._read_secret(name)
        except Exception as error:
            msg = f"the signing key {name!r} cannot be read: {error}"
            raise NotificationUnsentError(msg) from error
        key = key_of(secret.strip())
        if key is None:
            # What the secret is must not get into a log or an answer.
            msg = f"the signing key {name!r} is not written as {SECRET_PREFIX} and the base64 of {KEY_BYTES_MIN} to "
            msg += f"{KEY_BYTES_MAX} bytes"
            raise NotificationUnsentError(msg)
        return key

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in self._allowed:
            msg = f"{host!r} is not among the hosts that may be called; allow it in MULTIHOME_WEBHOOK_HOSTS"
            raise NotificationUnsentError(msg)
        if parts.scheme != "https" and host not in LOOPBACK:
            msg = f"{url} is not called without TLS; use https"
            raise NotificationUnsentError(msg)


def key_of(secret: str) -> bytes | None:
    """The key in a secret as the specification writes it; None where it is written otherwise, or is too short."""
    if not secret.startswith(SECRET_PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return None
    return key if KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX else None


def header_id(notification_id: str) -> str:
    """A notification's id as `webhook-id` carries it: no full stop is in it, which is what parts are signed with.

    Otherwise the end of one id and the beginning of a timestamp could be taken for another id's.
    """
    return notification_id.replace("%", "%25").replace(".", "%2E")


def signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """What `webhook-signature` carries."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
