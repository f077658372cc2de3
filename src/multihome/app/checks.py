"""Checks contracts for clauses that cannot all be kept, with HiGHS as the solver."""

from collections.abc import Mapping

from multihome.adapters.solver_highs import HighsSolver
from multihome.clauses.book import Book
from multihome.cli.launchers import LaunchError
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.ids import AcceleratorName
from multihome.ports.solver import SolverError
from multihome.procurement.conflict_rows import model_of
from multihome.procurement.conflicts import Checked, find_conflicts
from multihome.runtime.solving import decide_with


def check_contracts(book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType]) -> Checked:
    """The conflicts between the clauses of a book.

    Raises:
        LaunchError: the solver failed.
    """
    try:
        return decide_with(HighsSolver(), find_conflicts(model_of(book, accelerators)))
    except SolverError as error:
        msg = f"the contracts cannot be checked: {error}"
        raise LaunchError(msg) from error
