"""The relaxation of a placement problem for HiGHS, built in columns: what prices solve, by somebody else's method.

Linear only (alpha 0). A variable for each option and each step; a row for each class and each limit.
"""

import time

import highspy
import msgspec
import numpy as np

from multihome.scheduling.core.problem import NO_ROW, Problem


class Relaxed(msgspec.Struct, frozen=True):
    """What HiGHS took and found: CPU seconds, whether it came to the end, and the objective in micro-USD per round."""

    cpu_s: float
    is_solved: bool
    objective: float


class _Quiet(highspy.Highs):
    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def relaxed_by_highs(problem: Problem, wall_s_max: float) -> Relaxed:
    """Let HiGHS choose its method; one thread, and so many seconds at most."""
    # Without callbacks, which print a banner before HiGHS can be told not to.
    highs = _Quiet()
    for option, value in (("output_flag", False), ("threads", 1), ("time_limit", wall_s_max)):
        highs.setOptionValue(option, value)
    unit = float(np.abs(problem.value).max())
    highs.passModel(_model(problem, unit))
    started = time.process_time()
    highs.run()
    cpu_s = time.process_time() - started
    solved = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return Relaxed(cpu_s, solved, -highs.getInfo().objective_function_value * unit)


def _model(problem: Problem, unit: float) -> highspy.HighsLp:
    slot, chosen = np.nonzero(problem.bundle != problem.no_bundle)
    options, classes, rows = len(slot), len(problem.members), len(problem.source)
    steps = problem.steps
    bundle, chips = problem.bundle[slot, chosen], problem.chips[slot, chosen]
    # Entries as (row, column, coefficient): members of classes, then use of limits, then supply of them by steps.
    column = np.arange(options)
    entries = [(chosen, column, np.ones(options))]
    for row, draw in zip(problem.rows, problem.draws, strict=True):
        held = np.flatnonzero((row[bundle] != NO_ROW) & (draw[bundle] > 0))
        entries.append((classes + row[bundle[held]], held, draw[bundle[held]] * chips[held]))
    number = options + np.arange(len(steps.row))
    drawn = np.flatnonzero(steps.is_drawn)
    entries.append((classes + steps.row, number, -np.ones(len(number))))
    entries.append((classes + problem.source[steps.row[drawn]], number[drawn], np.ones(len(drawn))))
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    order = np.lexsort((row, column))
    weight = problem.fairness.weight[problem.tenant[chosen]]
    gain = weight * problem.value[slot, chosen] - problem.cost[slot, chosen]
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = options + len(number), classes + rows
    model.col_cost_ = (np.concatenate([-gain, steps.price]) / unit).astype(np.float64)
    model.col_lower_ = np.zeros(model.num_col_)
    model.col_upper_ = np.concatenate([problem.members[chosen], steps.units]).astype(np.float64)
    model.row_lower_ = np.concatenate([np.full(classes, -highspy.kHighsInf), np.zeros(rows)])
    model.row_upper_ = np.concatenate([problem.members.astype(np.float64), np.zeros(rows)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    starts = np.searchsorted(column[order], np.arange(model.num_col_ + 1))
    model.a_matrix_.start_ = starts.astype(np.int32)
    model.a_matrix_.index_ = row[order].astype(np.int32)
    model.a_matrix_.value_ = value[order]
    return model
