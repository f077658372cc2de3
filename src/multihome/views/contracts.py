"""Contracts as people read them: with whom, the clauses in force with their terms, what was ordered and has come."""

import msgspec

from multihome.clauses.delivery import delivered_domains
from multihome.controller.deadlines import HORIZON_DAYS, Deadline, deadlines, of_contract
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseTerms
from multihome.domain.contracts import Award, Contract, Tranche
from multihome.domain.events import PeriodSettled
from multihome.domain.ids import AwardId, ContractId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.domain.tranche_phases import OUTSTANDING, TranchePhase, phase_of
from multihome.units.calendar import format_local_date, format_local_moment
from multihome.units.money import format_chip_hours, format_usd
from multihome.units.time import MS_PER_DAY, Interval
from multihome.views.clause_words import clause_words, use_words
from multihome.views.sequences import TerminationState, termination_state


class ContractRow(msgspec.Struct, frozen=True):
    """A contract in a list: chips ordered and accepted, clauses in force, and what falls next within a year.

    Its dates are told in `zone`.
    """

    id: ContractId
    title: str
    provider_id: ProviderId
    zone: str
    from_ms: int
    until_ms: int
    clauses_in_force: int
    tranches: int
    ordered_chips: int
    delivered_chips: int
    upcoming: Deadline | None


class ContractList(msgspec.Struct, frozen=True):
    """All contracts on record at an instant of contract time."""

    as_of_ms: int
    contracts: tuple[ContractRow, ...]


class ClauseRow(msgspec.Struct, frozen=True):
    """A clause in force: its kind, dates and source, and its terms in words."""

    id: str
    kind: str
    from_ms: int
    until_ms: int
    terms: tuple[str, ...]
    source: str


class AmendmentRow(msgspec.Struct, frozen=True):
    """An amendment, and the clauses it changed."""

    id: str
    effective_ms: int
    clauses: tuple[str, ...]
    source: str


class TrancheRow(msgspec.Struct, frozen=True):
    """A tranche: chips ordered and accepted, where its delivery stands, and what its award rests on."""

    id: TrancheId
    pool_id: PoolId
    chips: int
    delivered_chips: int
    state: str
    promised_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    use: str
    award: str


class CommitmentRow(msgspec.Struct, frozen=True):
    """What was last settled of a commitment, in words."""

    clause: str
    tranche: str
    settled_until_ms: int
    due_micro_usd: int
    text: str


class ContractView(msgspec.Struct, frozen=True):
    """A contract at an instant. Times are milliseconds UTC; days count in `zone`."""

    as_of_ms: int
    row: ContractRow
    source: str
    currency: str
    zone: str
    holidays: tuple[str, ...]
    termination: TerminationState
    ended: str
    clauses: tuple[ClauseRow, ...]
    amendments: tuple[AmendmentRow, ...]
    tranches: tuple[TrancheRow, ...]
    commitments: tuple[CommitmentRow, ...]
    suspensions: tuple[str, ...]


class ContractCalendar(msgspec.Struct, frozen=True):
    """Deadlines from an instant until another, next first; before them what is past due and still open."""

    as_of_ms: int
    until_ms: int
    deadlines: tuple[Deadline, ...]


def contract_list(state: State, as_of_ms: int) -> ContractList:
    """Every contract on record."""
    found = deadlines(state, as_of_ms, as_of_ms + HORIZON_DAYS * MS_PER_DAY)
    rows = (_row(state, contract, found, as_of_ms) for contract in state.contracts.values())
    return ContractList(as_of_ms, tuple(rows))


def contract_view(state: State, contract_id: ContractId, as_of_ms: int) -> ContractView | None:
    """One contract, or None where none of that name is on record."""
    contract = state.contracts.get(contract_id)
    if contract is None:
        return None
    found = deadlines(state, as_of_ms, as_of_ms + HORIZON_DAYS * MS_PER_DAY)
    in_force = (terms for terms in contract.clauses if terms.interval.contains(as_of_ms))
    return ContractView(
        as_of_ms=as_of_ms,
        row=_row(state, contract, found, as_of_ms),
        source=contract.source,
        currency=contract.currency,
        zone=contract.calendar.zone,
        holidays=contract.calendar.holidays,
        termination=termination_state(state, contract_id, as_of_ms),
        ended=_ended(state, contract),
        clauses=tuple(_clause_row(terms, contract.calendar.zone) for terms in in_force),
        amendments=tuple(
            AmendmentRow(amendment.id, amendment.effective_ms, amendment.clauses, amendment.source)
            for amendment in contract.amendments
        ),
        tranches=tuple(_tranche_row(state, contract, tranche, as_of_ms) for tranche in contract.tranches),
        commitments=tuple(
            _commitment(period) for period in state.settled.values() if period.clause.contract_id == contract_id
        ),
        suspensions=tuple(
            f"{suspension.id}: {suspension.ground}, {_dates(suspension.interval, contract.calendar.zone)}"
            for suspension in state.suspensions.values()
            if suspension.contract_id == contract_id
        ),
    )


def contract_calendar(state: State, contract_id: ContractId | None, as_of_ms: int, until_ms: int) -> ContractCalendar:
    """The deadlines of one contract, or of all with those of offers."""
    found = deadlines(state, as_of_ms, until_ms)
    return ContractCalendar(as_of_ms, until_ms, found if contract_id is None else of_contract(found, contract_id))


def _row(state: State, contract: Contract, found: tuple[Deadline, ...], as_of_ms: int) -> ContractRow:
    return ContractRow(
        id=contract.id,
        title=contract.title,
        provider_id=contract.provider_id,
        zone=contract.calendar.zone,
        from_ms=contract.interval.start_ms,
        until_ms=contract.interval.end_ms,
        clauses_in_force=sum(terms.interval.contains(as_of_ms) for terms in contract.clauses),
        tranches=len(contract.tranches),
        ordered_chips=sum(_chips(state, tranche, tranche.domains) for tranche in contract.tranches),
        delivered_chips=sum(_delivered(state, tranche, as_of_ms) for tranche in contract.tranches),
        upcoming=next((one for one in of_contract(found, contract.id) if one.at_ms >= as_of_ms), None),
    )


def _clause_row(terms: ClauseTerms, zone: str) -> ClauseRow:
    kind = str(type(terms).__struct_config__.tag)
    words = clause_words(terms, zone)
    return ClauseRow(terms.id, kind, terms.interval.start_ms, terms.interval.end_ms, words, terms.source)


def _tranche_row(state: State, contract: Contract, tranche: Tranche, as_of_ms: int) -> TrancheRow:
    return TrancheRow(
        id=tranche.id,
        pool_id=tranche.pool_id,
        chips=_chips(state, tranche, tranche.domains),
        delivered_chips=_delivered(state, tranche, as_of_ms),
        state=_delivery_state(state, tranche, as_of_ms),
        promised_ms=tranche.promised_ms,
        ends_ms=tranche.ends_ms,
        rate_micro_usd_per_chip_hour=tranche.rate_micro_usd_per_chip_hour,
        use=use_words(tranche.use),
        award=_award_words(tranche.award, contract.calendar.zone),
    )


def _chips(state: State, tranche: Tranche, domains: int) -> int:
    return domains * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node


def _delivered(state: State, tranche: Tranche, at_ms: int) -> int:
    return _chips(state, tranche, delivered_domains(state.deliveries.values(), tranche, at_ms))


def _delivery_state(state: State, tranche: Tranche, at_ms: int) -> str:
    """The phase by the steps that were taken by then; late where something is outstanding after its promise."""
    moves = (move for move in state.tranche_moves.get(tranche.id, []) if move.effective_ms <= at_ms)
    phase = phase_of(((move.step, move.domains) for move in moves), tranche.domains)
    if at_ms >= tranche.ends_ms and phase is not TranchePhase.ENDED:
        return "given_back"
    late = "_late" if phase in OUTSTANDING and at_ms > tranche.promised_ms else ""
    return f"{phase.value}{late}"


def _award_words(award: Award, zone: str) -> str:
    parts = [
        f"on {format_local_date(award.awarded_ms, zone)}",
        _named("award", award.award_id),
        *(_named("waiver", waiver_id) for waiver_id in award.waiver_ids),
        f"exempt: {award.exempt_by.value}{f', for {award.replaces}' if award.replaces else ''}"
        if award.exempt_by
        else "",
        f"substituted with the consent of {award.consent}" if award.consent else "",
    ]
    return ", ".join(part for part in parts if part)


def _named(word: str, name: AwardId | WaiverId | None) -> str:
    return f"{word} {name}" if name else ""


def _commitment(period: PeriodSettled) -> CommitmentRow:
    deficiency = period.deficiency_chip_ms
    lacking = f"{format_chip_hours(deficiency)} chip-hours short: " if deficiency else ""
    return CommitmentRow(
        clause=period.clause.clause_id,
        tranche=period.tranche_id.rpartition("/")[2],
        settled_until_ms=period.period.end_ms,
        due_micro_usd=period.due_micro_usd,
        text=f"{lacking}{period.text}",
    )


def _dates(interval: Interval, zone: str) -> str:
    return f"{format_local_moment(interval.start_ms, zone)} to {format_local_moment(interval.end_ms, zone)}"


def _ended(state: State, contract: Contract) -> str:
    contract_id, zone = contract.id, contract.calendar.zone
    given = state.terminations.get(contract_id)
    told = state.breaches.get(contract_id)
    if given is None and told is not None:
        until = format_local_moment(told.cured_until_ms, zone)
        return f"breach told: {told.cause}, may be cured until {until} ({told.why})"
    if given is None:
        return ""
    fee, refund = format_usd(given.fee_micro_usd), format_usd(given.refund_micro_usd)
    cause = f" ({given.cause})" if given.cause else ""
    since = format_local_moment(given.effective_ms, zone)
    return (
        f"terminated for {given.ground.value}{cause} with effect from {since}: fee {fee}, "
        f"refund {refund}; notice by {given.actor} ({given.why})"
    )
