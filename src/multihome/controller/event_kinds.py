"""Which events are about work alone. Decides nothing; a kind that is new and not named here counts as a fact."""

from multihome.domain import events as ev

OF_WORK: frozenset[type[ev.Event]] = frozenset(
    {
        ev.ClockAdvanced,
        ev.WorkloadSubmitted,
        ev.ClassWaits,
        ev.WorkloadCancelled,
        ev.WorkloadEnded,
        ev.RuleOverridden,
        ev.RunIntended,
        ev.RunStarted,
        ev.RunBecameUnknown,
        ev.RunAbsent,
        ev.RunReady,
        ev.RunProgressed,
        ev.RunStopAsked,
        ev.RunFenced,
        ev.RunEnded,
        ev.UnitBackedOff,
        ev.WorkLost,
        ev.ChipTimeMetered,
        ev.CommandRefused,
        ev.RoundPlanned,
    }
)
"""Events that change runs, the queue and what was used, and no fact: nothing that has a date rests on them."""
