"""Deliveries and ends: which steps somebody records, which credits are claimed, which contracts are given notice.

They try what may come next and, now and then, what may not; the control plane decides.
"""

from multihome.controller.deliveries import phase_in
from multihome.controller.state import State
from multihome.domain import commands as cmd
from multihome.domain.commands import Command
from multihome.domain.ids import ContractId
from multihome.domain.procurement import TerminationGround, TrancheStep
from multihome.domain.tranche_phases import OUTSTANDING, steps_from
from multihome.simulator.dice import Dice
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR

CAUSE = "late delivery"
"""The breach that the market's termination clauses name."""
_ENDS = (TrancheStep.TRANCHE_ENDED, TrancheStep.ORDER_ENDED)
_ANY_TIME = (TrancheStep.ACCEPTED, TrancheStep.RESCHEDULED)
_DONE = (*("step",) * 14, "claim", "claim", "breach", "cure", "terminate")


class Suppliers:
    """Everyone who delivers, and who holds them to it."""

    def __init__(self, dice: Dice) -> None:
        """Nothing has been delivered yet."""
        self._dice = dice

    def next(self, state: State, now_ms: int) -> Command | None:
        """One thing that somebody does now, if there is anything to do."""
        if not state.contracts:
            return None
        contract_ms = now_ms if state.scenario_ms is None else state.scenario_ms
        contract_id = self._dice.pick(list(state.contracts))
        match self._dice.pick(_DONE):
            case "step":
                return self._step(state, contract_ms)
            case "claim":
                due = list(state.credits_due)
                return cmd.ClaimCredit(tranche_id=self._dice.pick(due), actor="buyer", why="owed") if due else None
            case "breach":
                return cmd.TellBreach(contract_id=contract_id, cause=CAUSE, actor="buyer", why="nothing came")
            case "cure":
                told = list(state.breaches) or [contract_id]
                return cmd.CureBreach(contract_id=self._dice.pick(told), actor="buyer", why="it came")
            case _:
                return self._terminate(state, contract_id)

    def _step(self, state: State, now_ms: int) -> Command | None:
        parts = [part for contract in state.contracts.values() for part in contract.tranches]
        coming = [part for part in parts if phase_in(state, part) in OUTSTANDING]
        part = self._dice.pick(coming if coming and self._dice.chance(900) else parts)
        # What ends capacity ends the story of much else: it is tried seldom, and so is what is out of turn.
        may = [step for step in steps_from(phase_in(state, part)) if step not in _ENDS]
        on_the_way = [step for step in may if step not in _ANY_TIME] or may
        step = self._dice.pick(on_the_way if self._dice.chance(700) else may) if may else _ENDS[0]
        if self._dice.chance(60):
            step = self._dice.pick((*_ENDS, *_ENDS, *TrancheStep))
        accepted = step is TrancheStep.ACCEPTED
        put_off_ms = now_ms + self._dice.between(-1, 20) * MS_PER_DAY
        return cmd.MoveTranche(
            tranche_id=part.id,
            step=step,
            domains=self._dice.between(1, part.domains) if accepted else 0,
            promised_ms=put_off_ms if step is TrancheStep.RESCHEDULED else 0,
            effective_ms=self._dice.pick((0, 0, now_ms - self._dice.between(-1, 6) * MS_PER_HOUR)),
            actor="supplier",
            why="as seen on site",
        )

    def _terminate(self, state: State, contract_id: ContractId) -> Command | None:
        if contract_id in state.breaches and self._dice.chance(700):
            ground, cause = TerminationGround.CAUSE, CAUSE
        elif self._dice.chance(150):
            ground, cause = TerminationGround.CONVENIENCE, ""
        else:
            return None
        return cmd.Terminate(contract_id=contract_id, ground=ground, cause=cause, actor="buyer", why="enough")
