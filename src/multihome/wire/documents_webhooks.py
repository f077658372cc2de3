"""Documents about whom to tell: webhooks. The key that signs is named, and never stands in a file."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from multihome.controller.notifications import NOTIFICATION_CODES
from multihome.domain.notifications import Webhook
from multihome.wire.fields import ENV_PATTERN, Name, Shape, without_empty

URL_PATTERN = "^https?://[!-~]+$"


def _code(value: str) -> str:
    if value in NOTIFICATION_CODES:
        return value
    msg = f"nothing is told as {value!r}; expected {', '.join(NOTIFICATION_CODES)}"
    raise ValueError(msg)


class WebhookIn(Shape):
    """Where notifications go: an address that takes them as signed JSON."""

    kind: Literal["webhook"]
    name: Name
    url: Annotated[str, Field(pattern=URL_PATTERN, max_length=2_000)]
    """An `https` address; plain `http` only on this machine. Its host must be allowed in `MULTIHOME_WEBHOOK_HOSTS`."""
    secret: Annotated[str, Field(pattern=ENV_PATTERN, max_length=128)]
    """The name of the key that signs: a file in `secrets/` or a variable, and so named like a variable."""
    codes: list[Annotated[str, AfterValidator(_code)]] = Field(default=[], max_length=32)
    """What it wants to be told; everything when left out."""

    def to_facts(self) -> tuple[Webhook]:
        """The webhook."""
        return (Webhook(id=self.name, url=self.url, secret=self.secret, codes=tuple(self.codes)),)


def webhook_data(fact: Webhook) -> dict[str, Any]:
    """A webhook as a document."""
    data = {"kind": "webhook", "name": fact.id, "url": fact.url, "secret": fact.secret, "codes": list(fact.codes)}
    return without_empty(data)
