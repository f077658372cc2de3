"""Gavel's table of throughputs: JSON of accelerator, then `('MODEL', SCALE)`, then what shares the chips, in steps/s.

`null` is the rate of a gang alone on its chips; the other keys are pairs of gangs on the same chips, which Multihome
never places, so they are passed over. An accelerator whose name ends in `_unconsolidated` is the same accelerator with
the gang spread over more servers than it needs. A rate of 0 says that the model does not fit.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import msgspec

from multihome.files.problems import FileProblem
from multihome.simulator.traces.facts import MICRO_PER_UNIT, Rate, Throughputs
from multihome.simulator.traces.reading import TraceText, read_text
from multihome.simulator.traces.rows import CHIPS_MAX, NAME_CHARS_MAX, Problems
from multihome.wire.fields import shown

RATES_MAX = 100_000
"""Cells of one table."""

STEPS_PER_S_MAX = 1_000_000
"""Steps a second of one gang."""

_KEY = re.compile(r"""\((['"])(.+)\1, ([0-9]{1,8})\)""", re.ASCII)


class _Cell(msgspec.Struct, frozen=True):
    """What the table has for a model at a scale; keys of pairs are not decoded."""

    alone: Decimal | None = msgspec.field(name="null", default=None)


def read_throughputs(path: Path) -> Throughputs:
    """The table in a file. Whatever is wrong comes back as problems."""
    text = read_text(path)
    return throughputs_of(text) if isinstance(text, TraceText) else Throughputs(str(path), (), (text,))


def throughputs_of(text: TraceText) -> Throughputs:
    """The table in a text."""
    problems = Problems(text.file)
    rates: list[Rate] = []
    for accelerator, cells in _decoded(text, problems).items():
        for key, cell in cells.items():
            _add_rate(accelerator, key, cell, rates, problems)
            if problems.is_full:
                break
    if not rates and not problems.found:
        problems.whole_file("holds no throughput", 'give {accelerator: {"(\'MODEL\', CHIPS)": {"null": STEPS_PER_S}}}')
    return Throughputs(text.file, tuple(rates), tuple(problems.found))


def _decoded(text: TraceText, problems: Problems) -> dict[str, dict[str, _Cell]]:
    try:
        return msgspec.json.decode("\n".join(text.lines), type=dict[str, dict[str, _Cell]])
    except (msgspec.DecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        problems.whole_file(f"is no table of throughputs: {reason}", "give Gavel's simulation_throughputs.json")
        return {}


def _add_rate(accelerator: str, key: str, cell: _Cell, rates: list[Rate], problems: Problems) -> None:
    matched = _KEY.fullmatch(key)
    field = f"{shown(accelerator)}.{shown(key)}"
    if (
        matched is None
        or not 1 <= int(matched.group(3)) <= CHIPS_MAX
        or max(len(key), len(accelerator)) > NAME_CHARS_MAX
    ):
        expected = "('MODEL', CHIPS) with at least one chip"
        _tell(problems, field, f"{shown(key)} is not {expected}", shown(key), expected)
    elif cell.alone is None:
        _tell(problems, field, "has no rate for the gang alone", "nothing", 'a key "null" with steps a second')
    elif not cell.alone.is_finite() or not 0 <= cell.alone <= STEPS_PER_S_MAX:
        expected = f"steps a second from 0 to {STEPS_PER_S_MAX:,}"
        given = shown(str(cell.alone))
        _tell(problems, f"{field}.null", f"{given} is not {expected}", given, expected)
    elif len(rates) >= RATES_MAX:
        problems.whole_file(f"more than {RATES_MAX:,} cells (RATES_MAX)", "leave out models that no trace names")
    else:
        micro = int((cell.alone * MICRO_PER_UNIT).to_integral_value(ROUND_HALF_EVEN))
        rates.append(Rate(matched.group(2), int(matched.group(3)), accelerator, micro))


def _tell(problems: Problems, field: str, wrong: str, given: str, expected: str) -> None:
    problems.add(FileProblem(problems.file, 0, 0, field, wrong, given, expected, f"write {expected}"))
