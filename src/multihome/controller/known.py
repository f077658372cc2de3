"""What documents may refer to while they are tested: all that is recorded, with the documents laid over it."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from multihome.controller.state import State
from multihome.domain.contracts import Tranche
from multihome.domain.ids import TrancheId
from multihome.domain.refusals import Refusal, RefusalCode

Known = State
"""A state in which the documents under test stand as if they were recorded."""

_Name = TypeVar("_Name", bound=str)


def reference(subject: str, what: str, name: str, known: Mapping[_Name, msgspec.Struct]) -> Iterator[Refusal]:
    """A refusal where a name is not among those known."""
    if name not in known:
        text = f"{what} {name!r} is not known"
        accepted = ", ".join(sorted(known)) or f"none: no {what} is known"
        yield Refusal(RefusalCode.UNKNOWN_REFERENCE, subject, text, accepted=accepted)


def tranches_by_id(known: Known) -> dict[TrancheId, Tranche]:
    """The tranches of all contracts."""
    return {tranche.id: tranche for contract in known.contracts.values() for tranche in contract.tranches}
