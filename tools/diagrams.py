"""Mermaid diagrams drawn from the source: the map of packages, the phases of runs, tranches and contracts."""

from multihome.domain import termination_phases, tranche_phases
from multihome.domain.run_phases import FIRST, TRANSITIONS, Gone
from multihome.domain.termination_phases import TerminationPhase
from multihome.domain.tranche_phases import TranchePhase
from tools.source import SOURCE, imports

LAYERS = (
    ("app",),
    ("simulator",),
    ("adapters",),
    ("api", "cli", "dashboard"),
    ("client", "files"),
    ("wire",),
    ("runtime",),
    ("views",),
    ("ports",),
    ("controller",),
    ("scheduling", "procurement", "planning", "traffic", "ledger"),
    ("clauses",),
    ("domain",),
    ("units",),
)
"""The layers as `.importlinter` has them, highest first; a test compares."""


def package_map() -> str:
    """Which package imports which. An arrow that a longer way also shows is left out."""
    reached = _imported()
    lines = ["flowchart TD"]
    for index, layer in enumerate(LAYERS):
        lines.append(f"  subgraph L{index}[ ]")
        lines.append("    direction LR")
        lines.extend(f"    {name}{_box(name, reached)}" for name in layer)
        lines.append("  end")
    for name, direct in reached.items():
        behind = {far for near in direct for far in _all_below(near, reached)}
        lines.extend(f"  {name} --> {target}" for target in sorted(direct - behind))
    return _fenced(lines)


def phases_diagram() -> str:
    """The phases of a run and the events between them."""
    event, phase = FIRST
    lines = ["stateDiagram-v2", f"  [*] --> {phase.__name__}: {event.__name__}"]
    for (before, cause), after in TRANSITIONS.items():
        target = "[*]" if after is Gone else after.__name__
        lines.append(f"  {before.__name__} --> {target}: {cause.__name__}")
    return _fenced(lines)


def tranche_diagram() -> str:
    """The phases of a tranche and the steps between them. What leaves a phase as it is is left out."""
    lines = ["stateDiagram-v2", f"  [*] --> {TranchePhase.ORDERED.value}: order"]
    for (before, step), afters in tranche_phases.TRANSITIONS.items():
        lines.extend(f"  {before.value} --> {after.value}: {step.value}" for after in afters if after is not before)
    return _fenced([*lines, f"  {TranchePhase.ENDED.value} --> [*]"])


def termination_diagram() -> str:
    """The phases of a contract that comes to its end before its time, and the events between them."""
    lines = ["stateDiagram-v2", f"  [*] --> {TerminationPhase.IN_FORCE.value}: signature"]
    for (before, event), after in termination_phases.TRANSITIONS.items():
        lines.append(f"  {before.value} --> {after.value}: {event.__name__}")
    given, ended = TerminationPhase.NOTICE_GIVEN.value, TerminationPhase.ENDED.value
    return _fenced([*lines, f"  {given} --> {ended}: the notice runs out", f"  {ended} --> [*]"])


def _imported() -> dict[str, set[str]]:
    """The packages that each package imports directly."""
    found: dict[str, set[str]] = {}
    for name in (name for layer in LAYERS for name in layer):
        targets = (module.split(".") for module in imports(f"multihome.{name}"))
        found[name] = {parts[1] for parts in targets if parts[0] == "multihome" and len(parts) > 1} - {name}
    return found


def _all_below(name: str, reached: dict[str, set[str]]) -> set[str]:
    return {far for near in reached[name] for far in (near, *_all_below(near, reached))}


def _box(name: str, reached: dict[str, set[str]]) -> str:
    """Packages that hold nothing yet are dashed."""
    files = list((SOURCE / "multihome" / name).rglob("*.py"))
    return f"({name}, nothing yet):::empty" if len(files) == 1 and not reached[name] else f"[{name}]"


def _fenced(lines: list[str]) -> str:
    if any(":::empty" in line for line in lines):
        lines.append("  classDef empty stroke-dasharray: 4 3")
    return "\n".join(("```mermaid", *lines, "```"))
