"""The part of the fold that is about policies: which one is in force, and what its last round left to be done."""

from multihome.controller.state import State, unit_key
from multihome.domain import events as ev
from multihome.units.time import Now


def policy_set(state: State, event: ev.PolicySet, at: Now) -> None:
    """A person set a policy: rounds begin anew, and nothing that was planned under the one before holds."""
    state.policy = event.policy
    state.policy_since_process_ms = at.process_ms
    state.next_round_process_ms = at.process_ms
    state.planned = {}


def round_planned(state: State, event: ev.RoundPlanned, at: Now) -> None:
    """A round decided anew, and left these starts for when their chips are free."""
    del at
    state.next_round_process_ms = event.next_process_ms
    state.planned = {unit_key(start.workload_id, start.unit): start for start in event.starts}
