"""HiGHS behind the solver port: one thread and one seed, so that equal requests have equal answers.

Knows rows and columns, and nothing of what they mean.
"""

import highspy

from multihome.domain.solves import SolveRequest, SolveResult, SolveStatus
from multihome.ports.solver import SolverError

_STATUS = {
    highspy.HighsModelStatus.kOptimal: SolveStatus.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: SolveStatus.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: SolveStatus.UNBOUNDED,
    highspy.HighsModelStatus.kIterationLimit: SolveStatus.LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: SolveStatus.LIMIT,
}


class HighsSolver:
    """Solves each request afresh; keeps nothing between two of them."""

    def solve(self, request: SolveRequest) -> SolveResult:
        """Solve a request within its limits.

        Raises:
            SolverError: HiGHS refused the model, or ended in a state that says nothing about it.
        """
        if not request.columns:
            return _without_columns(request)
        highs = _configured(request)
        if highs.passModel(_model(request)) == highspy.HighsStatus.kError:
            msg = f"HiGHS refuses the model of {request.name!r}"
            raise SolverError(msg)
        highs.run()
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            # Presolve found one of the two and not which; without it the simplex method says.
            highs.setOptionValue("presolve", "off")
            highs.run()
            status = highs.getModelStatus()
        if status not in _STATUS:
            msg = f"HiGHS ended {request.name!r} with {highs.modelStatusToString(status)}"
            raise SolverError(msg)
        return _result(request, highs, _STATUS[status])


class _Quiet(highspy.Highs):
    """HiGHS without callbacks: setting them up prints a banner on standard output before it can be told not to."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def _configured(request: SolveRequest) -> highspy.Highs:
    highs = _Quiet()
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("mip_max_nodes", request.limits.nodes_max),
        ("simplex_iteration_limit", request.limits.iterations_max),
        # A gap of nothing: the least number of clauses is a number, not an estimate.
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 0.0),
    ):
        highs.setOptionValue(option, value)
    return highs


def _model(request: SolveRequest) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_ = len(request.columns)
    model.num_row_ = len(request.rows)
    model.col_cost_ = [column.cost for column in request.columns]
    model.col_lower_ = [column.lower for column in request.columns]
    model.col_upper_ = [column.upper for column in request.columns]
    model.row_lower_ = [row.lower for row in request.rows]
    model.row_upper_ = [row.upper for row in request.rows]
    if any(column.is_whole for column in request.columns):
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if column.is_whole else kinds.kContinuous for column in request.columns]
    starts, indices, values = [0], list[int](), list[float]()
    for row in request.rows:
        indices.extend(index for index, _ in row.entries)
        values.extend(value for _, value in row.entries)
        starts.append(len(indices))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = starts
    model.a_matrix_.index_ = indices
    model.a_matrix_.value_ = values
    return model


def _without_columns(request: SolveRequest) -> SolveResult:
    """What HiGHS calls an empty model, rows or not: its rows say whether 0 keeps them."""
    kept = all(row.lower <= 0.0 <= row.upper for row in request.rows)
    duals = tuple(0.0 for _ in request.rows) if kept else ()
    return SolveResult(SolveStatus.OPTIMAL if kept else SolveStatus.INFEASIBLE, 0.0, 0.0, (), duals, 0, 0)


def _result(request: SolveRequest, highs: highspy.Highs, status: SolveStatus) -> SolveResult:
    info = highs.getInfo()
    whole = any(column.is_whole for column in request.columns)
    solved = status is SolveStatus.OPTIMAL
    solution = highs.getSolution()
    duals = tuple(solution.row_dual) if solved and not whole else ()
    return SolveResult(
        status=status,
        objective=info.objective_function_value,
        bound=info.mip_dual_bound if whole else info.objective_function_value,
        values=tuple(solution.col_value) if solved else (),
        duals=duals or (tuple(0.0 for _ in request.rows) if solved else ()),
        nodes=max(0, info.mip_node_count),
        iterations=max(0, info.simplex_iteration_count),
    )
