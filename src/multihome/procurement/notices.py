"""First-refusal notices: what is served, until when it may be answered, and the hash by which it can be proved."""

import hashlib

from multihome.clauses.first_refusal import closes_ms
from multihome.domain.clause_terms import ClauseRef, FirstRefusal, Use
from multihome.domain.contracts import Contract
from multihome.domain.ids import NoticeId, OfferId
from multihome.domain.procurement import Notice, Terms
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.calendar import MissingLocalTime
from multihome.units.time import datetime_of


def make_notice(
    contract: Contract,
    terms: FirstRefusal,
    notice_id: NoticeId,
    offer_id: OfferId | None,
    offered: Terms,
    use: Use,
    served_ms: int,
    served_by: str,
) -> Notice | Refusal:
    """The notice of these terms under a clause; refused where its window has no end."""
    ends_ms = closes_ms(terms, contract.calendar, served_ms)
    if isinstance(ends_ms, MissingLocalTime):
        return missing_local_time(contract, terms, ends_ms)
    clause = ClauseRef(contract.id, terms.id)
    text = notice_text(contract, notice_id, clause, offered, use, served_ms, ends_ms)
    return Notice(
        id=notice_id,
        clause=clause,
        offer_id=offer_id,
        terms=offered,
        use=use,
        served_ms=served_ms,
        closes_ms=ends_ms,
        served_by=served_by,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def missing_local_time(contract: Contract, terms: FirstRefusal, missing: MissingLocalTime) -> Refusal:
    """Why a window cannot be served that would close at a time which the zone's clocks leap over."""
    window = terms.notice
    text = (
        f"its window of {window.days} {window.count.value} days would close at {missing.local}, which the clocks of "
        f"{missing.zone} leap over"
    )
    return Refusal(
        RefusalCode.MISSING_LOCAL_TIME,
        f"clause {contract.id}/{terms.id}",
        text,
        accepted="a notice served on another day",
    )


def notice_text(
    contract: Contract,
    notice_id: NoticeId,
    clause: ClauseRef,
    terms: Terms,
    use: Use,
    served_ms: int,
    closes: int,
) -> str:
    """The canonical text of a notice, whose SHA-256 is its hash: fixed lines, whole numbers, instants in UTC.

    It does not name who made the offer: what the holder is owed is the terms.
    """
    lines = (
        f"notice {notice_id}",
        f"to {contract.provider_id} under {clause.contract_id}/{clause.clause_id}",
        f"chips {terms.chips}",
        f"accelerator {terms.accelerator}",
        f"region {terms.region}",
        f"from {_utc(terms.starts_ms)}",
        f"until {_utc(terms.ends_ms)}",
        f"rate {terms.rate_micro_usd_per_chip_hour} micro-{terms.currency} per chip-hour",
        f"kinds {' '.join(use.workload_kinds) or 'any'}",
        f"products {' '.join(use.products) or 'any'}",
        f"served {_utc(served_ms)}",
        f"closes {_utc(closes)}",
    )
    return "\n".join(lines) + "\n"


def text_of(contract: Contract, notice: Notice) -> str:
    """The canonical text of a notice that was served."""
    return notice_text(contract, notice.id, notice.clause, notice.terms, notice.use, notice.served_ms, notice.closes_ms)


def _utc(at_ms: int) -> str:
    return datetime_of(at_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1_000:03d}Z"
