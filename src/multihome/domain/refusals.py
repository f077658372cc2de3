"""Why a command is not accepted. A command that breaks several rules gets the first of this order."""

from enum import StrEnum

import msgspec


class RefusalCode(StrEnum):
    """Each refusal, in order of precedence."""

    KEY_REUSED = "key_reused"
    """The idempotency key came before with another body."""
    NOT_FOUND = "not_found"
    """Nothing of that name exists, or it is not yours to see."""
    AMBIGUOUS = "ambiguous"
    """The name fits more than one; use the id."""
    UNKNOWN_TENANT = "unknown_tenant"
    """The tenant has not been applied."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """A document names a provider, pool, accelerator, contract, tranche or clause that nobody applied."""
    TENANT_LOOP = "tenant_loop"
    """A tenant would be its own ancestor, or has no parent."""
    BAD_DATES = "bad_dates"
    """An interval ends before it begins, or lies outside what contains it."""
    OVERLAPPING_CLAUSES = "overlapping_clauses"
    """Two clauses of one name are in force at the same time."""
    QUOTA_ABOVE_PARENT = "quota_above_parent"
    """A tenant's quota is larger than what a tenant above it could ever use."""
    SETTLED = "settled"
    """The change would rewrite capacity that was delivered or money that was posted."""
    CURRENCY_DIFFERS = "currency_differs"
    """Amounts in different currencies cannot be compared or added: a contract, its offers and its ledger have one."""
    BAD_TERMS = "bad_terms"
    """Figures contradict each other, like a ramp that goes down, or switches that do not add up to a domain's nodes."""
    MISSING_LOCAL_TIME = "missing_local_time"
    """A window would close at a local time that does not exist."""
    NOT_PERMITTED = "not_permitted"
    """A clause stands against the award."""
    WINDOW_CLOSED = "window_closed"
    """The answer came after the window of its notice."""
    NO_MATCH = "no_match"
    """The answer fails the clause's matching test."""
    GANG_TOO_LARGE = "gang_too_large"
    """No domain of any pool, delivered or ordered, could hold the gang."""
    NO_SUCH_POOL = "no_such_pool"
    """No pool has the accelerators in the infrastructure asked for."""
    CHANGED_WORKLOAD = "changed_workload"
    """A live workload of that name was described differently."""
    QUEUE_FULL = "queue_full"
    """The limit of live workloads is reached."""
    CLOCK_NOT_SCENARIO = "clock_not_scenario"
    """Time can be moved only on a scenario clock."""
    CLOCK_BACKWARDS = "clock_backwards"
    """The scenario clock never goes back, and starts once."""
    WRONG_STATE = "wrong_state"
    """The thing is not in a state that allows this."""
    NEEDS_PERSON = "needs_person"
    """An override or declaration must say who and why."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a command; `subject` is what it is about, `accepted` what would have been taken.

    The subject of a problem of a document is a word and a name, like `clause azure-2019/first-refusal`.
    """

    code: RefusalCode
    subject: str
    text: str
    accepted: str = ""


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """A no, as data and in words: its fields are those of the first problem, and `others` are the further ones."""

    code: RefusalCode
    subject: str
    text: str
    accepted: str = ""
    others: tuple[Problem, ...] = ()
