"""After a restore from a backup: what may run at providers that the journal knows nothing of, and when that is over.

The journal has forgotten launches, so a provider's word is needed before anything is launched again. Never decides what
becomes of a run: the controller stops those it does not know.
"""

from collections.abc import Callable, Iterable

from multihome.controller.reconcile import token_of
from multihome.controller.state import Openness, State
from multihome.domain.commands import EngineAnswered, EngineSilent, Input
from multihome.domain.ids import ProviderId
from multihome.domain.runs import Inventory


class Adoption:
    """Whose inventories have been taken in since the restore."""

    def __init__(self, done: Callable[[], None]) -> None:
        """Begin with none; `done` is called once all have been, so that the next start need not wait again."""
        self._done = done
        self._adopted: set[ProviderId] = set()

    def first_inputs(self, state: State) -> list[Input]:
        """What makes every provider silent until it is heard."""
        error = "the journal was restored from a backup, and it has not been heard since"
        return [EngineSilent(provider_id=provider_id, error=error) for provider_id in state.providers]

    def is_over(self, state: State, taken: Iterable[Input]) -> bool:
        """Whether every provider that is not lost has now been heard and has nothing unknown, given what just came in.

        `state` is durable and has those inputs in it.
        """
        for message in taken:
            if isinstance(message, EngineAnswered) and not _has_unknown(state, message.inventory):
                self._adopted.add(message.inventory.provider_id)
        for provider_id in state.providers:
            is_lost = state.provider_state(provider_id).openness is Openness.LOST
            if not is_lost and provider_id not in self._adopted:
                return False
        self._done()
        return True


def _has_unknown(state: State, inventory: Inventory) -> bool:
    """Whether a provider has something of ours that no run of ours explains: it lives, or has not been cleared away."""
    for report in inventory.reports:
        run = state.runs.get(report.run_id)
        is_known = run is not None and run.allocation.provider_id == inventory.provider_id
        if not is_known and report.token == token_of(state.installation_id, report.run_id):
            return True
    return False
