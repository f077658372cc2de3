"""Bodies of requests about deliveries and terminations: steps taken, credits claimed, breaches told, notices given."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from multihome.domain.commands import ClaimCredit, CureBreach, MoveTranche, TellBreach, Terminate
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TerminationGround, TrancheStep
from multihome.wire.fields import Count, InstantMs
from multihome.wire.requests import PersonIn, Word


class MoveIn(PersonIn):
    """Which step a tranche took, and when; now when no date is given.

    `domains` go with an acceptance, `promised` with a rescheduling, and neither with another step.
    """

    _ONLY: ClassVar[str] = "`domains` go with the step `accepted` alone, and `promised` with `rescheduled`"

    step: Literal[
        "confirmed",
        "provisioning",
        "ready_claimed",
        "testing",
        "accepted",
        "rejected",
        "cured",
        "rescheduled",
        "tranche_ended",
        "order_ended",
    ]
    domains: Count | None = None
    promised: InstantMs | None = None
    effective: InstantMs = 0

    @model_validator(mode="after")
    def _only_what_goes_with_it(self) -> "MoveIn":
        if (self.domains is not None and self.step != "accepted") or (
            self.promised is not None and self.step != "rescheduled"
        ):
            raise ValueError(self._ONLY)
        return self

    def to_command(self, tranche: str) -> MoveTranche:
        """The command."""
        return MoveTranche(
            tranche_id=TrancheId(tranche),
            step=TrancheStep(self.step),
            domains=self.domains or 0,
            promised_ms=self.promised or 0,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )


class ClaimIn(PersonIn):
    """Who claims a credit, and why."""

    def to_command(self, tranche: str) -> ClaimCredit:
        """The command."""
        return ClaimCredit(tranche_id=TrancheId(tranche), actor=self.actor, why=self.why)


class BreachIn(PersonIn):
    """Which breach the provider was told of, by its name in the contract, and when; now when no date is given."""

    cause: Word
    effective: InstantMs = 0

    def to_command(self, contract: str) -> TellBreach:
        """The command."""
        return TellBreach(
            contract_id=ContractId(contract),
            cause=self.cause,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )


class CureIn(PersonIn):
    """Who says that a breach is over, why, and since when; now when no date is given."""

    effective: InstantMs = 0

    def to_command(self, contract: str) -> CureBreach:
        """The command."""
        return CureBreach(contract_id=ContractId(contract), effective_ms=self.effective, actor=self.actor, why=self.why)


class TerminateIn(PersonIn):
    """On which ground notice is given that a contract ends, and when; now when no date is given.

    `cause` names the breach where that is the ground.
    """

    _ONLY: ClassVar[str] = "`cause` goes with the ground `cause`, and with it alone"

    ground: Literal["convenience", "cause"]
    cause: Annotated[str, Field(max_length=200)] = ""
    effective: InstantMs = 0

    @model_validator(mode="after")
    def _only_what_goes_with_it(self) -> "TerminateIn":
        if bool(self.cause) != (self.ground == "cause"):
            raise ValueError(self._ONLY)
        return self

    def to_command(self, contract: str) -> Terminate:
        """The command."""
        return Terminate(
            contract_id=ContractId(contract),
            ground=TerminationGround(self.ground),
            cause=self.cause,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )
