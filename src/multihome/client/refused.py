"""A no of the control plane, as the caller of the client gets it. Costs nothing to import."""

from multihome.wire.refusals import RefusalOut


class RefusedError(Exception):
    """The control plane said no, and why."""

    def __init__(self, refusal: RefusalOut, raw: bytes) -> None:
        """Carry the refusal, and the answer as it came."""
        super().__init__(f"{refusal.subject}: {refusal.text}")
        self.refusal = refusal
        self.raw = raw
