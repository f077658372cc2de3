"""The reference of sequences: how a tranche comes to be capacity, and how a contract ends before its time."""

from multihome.domain.procurement import TrancheStep
from multihome.domain.tranche_phases import TRANSITIONS
from tools.diagrams import termination_diagram, tranche_diagram
from tools.tables import code, page, table


def sequences_page() -> str:
    """Both diagrams, and the table of a tranche's steps."""
    return page(
        "Sequences",
        "Which step may follow which stands in one table each; the diagrams are drawn from them. A step that is not in "
        "the table is refused, with those that may come.",
        "## A tranche, from its order to capacity",
        "`multihome tranche move TRANCHE STEP` records a step. An acceptance is a delivery: capacity exists from its "
        "effective date on, billing begins there, and commitments count it from there. A delivery that is applied as a "
        "document is an acceptance too. Whether a tranche is late follows from dates: within the grace nothing is "
        "owed, after it the [delay remedy](clauses.md) makes a credit due, which counts once it is claimed. A tranche "
        "or its order may be ended only where the remedy gives the right, and from the day it gives it. "
        "What had come of a tranche stays when the rest is given up; ending the order ends that too.",
        tranche_diagram(),
        table(
            ("step", "may come in", "leads to"),
            ((code(step.value), _before(step), _after(step)) for step in TrancheStep),
        ),
        "## A contract that ends before its time",
        "`multihome contract breach`, `cure` and `terminate`. For a cause the provider is told first and has the days "
        "that the clause gives to cure it. For convenience the clause names a fee; where no step of it has begun there "
        "is no such right. Notice runs in the contract's calendar. When it has run out, tranches and clauses end.",
        termination_diagram(),
    )


def _before(step: TrancheStep) -> str:
    return ", ".join(code(phase.value) for phase, taken in TRANSITIONS if taken is step)


def _after(step: TrancheStep) -> str:
    found = {after: None for (_, taken), afters in TRANSITIONS.items() if taken is step for after in afters}
    if step is TrancheStep.RESCHEDULED:
        return "the same phase, with another date"
    return ", ".join(code(phase.value) for phase in found)
