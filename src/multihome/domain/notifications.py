"""What people are told by webhook: notices, deadlines, awards, losses, and where to."""

from multihome.domain.fact import Fact


class Webhook(Fact, frozen=True, kw_only=True):
    """Where notifications go. `secret` names the key that signs them; an empty `codes` takes all of them."""

    id: str
    url: str
    secret: str
    codes: tuple[str, ...] = ()


class Notification(Fact, frozen=True, kw_only=True):
    """One thing that people should know. Its id follows from what it tells, so a repeat has the same one.

    `due_ms` is the instant by which somebody should act, 0 where there is none.
    """

    id: str
    code: str
    subject: str
    text: str
    occurred_ms: int
    due_ms: int = 0
