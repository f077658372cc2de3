"""Acts of a first-refusal history: notices, answers, awards, orders and runs, each as the event that records it.

An act does what it is told, lawful or not; which acts follow one another is told by `refusal_episodes`.
"""

from hashlib import sha256

import msgspec

from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.contracts import Award, Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.events import AwardMade, DocumentRecorded, NoticeAnswered, NoticeServed, RunIntended
from multihome.domain.ids import (
    AcceleratorName,
    AwardId,
    DomainId,
    Generation,
    NoticeId,
    OfferId,
    ProviderId,
    RunId,
    TrancheId,
    WaiverId,
    WorkloadId,
)
from multihome.domain.placements import Allocation, Basis, Evidence, NodeShare, PlacementReason, Price
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Notice, Terms
from multihome.simulator.dice import Dice
from multihome.simulator.refusal_world import (
    CHIPS_PER_NODE,
    CLAUSE,
    HOLDER,
    HOLDER_CONTRACT,
    Pen,
    World,
    contract_of,
    holder_clauses,
    pool_id,
    region_of,
)
from multihome.units.calendar import MissingLocalTime, window_end
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR

REF = ClauseRef(HOLDER_CONTRACT, CLAUSE)


class Story(msgspec.Struct):
    """One history as it is written. `subjects` are the awards and tranches that a planted breach touches."""

    world: World
    dice: Dice
    pen: Pen
    count: int = 0
    tranches: dict[ProviderId, list[Tranche]] = msgspec.field(default_factory=dict[ProviderId, list[Tranche]])
    subjects: set[str] = msgspec.field(default_factory=set[str])

    def name(self, prefix: str) -> str:
        """A name that was not used before."""
        self.count += 1
        return f"{prefix}-{self.count}"

    def terms(self, provider: ProviderId, accelerator: AcceleratorName) -> Terms:
        """Random terms of an offer."""
        starts_ms = self.pen.now_ms + self.dice.between(60, 400) * MS_PER_DAY
        return Terms(
            accelerator=accelerator,
            region=region_of(provider),
            chips=CHIPS_PER_NODE * self.dice.between(2, 400),
            starts_ms=starts_ms,
            ends_ms=starts_ms + self.dice.between(200, 1_500) * MS_PER_DAY,
            rate_micro_usd_per_chip_hour=self.dice.between(900_000, 9_000_000),
        )

    def closes_ms(self, served_ms: int) -> int | MissingLocalTime:
        """When the window of a notice closes."""
        window = self.world.terms.notice
        return window_end(served_ms, window.days, window.count, window.closes_minute, self.world.calendar)

    def serve(self, terms: Terms, use: Use) -> Notice:
        """Serve a notice now; on a day whose window would close at a local time that is missing, a day later."""
        while isinstance(self.closes_ms(self.pen.now_ms), MissingLocalTime):
            self.pen.now_ms += MS_PER_DAY
        notice = self.notice(terms, use, self.pen.now_ms)
        self.pen.write(NoticeServed(notice=notice))
        return notice

    def notice(self, terms: Terms, use: Use, served_ms: int) -> Notice:
        """A notice with the window that the clause gives."""
        closes_ms = self.closes_ms(served_ms)
        assert isinstance(closes_ms, int), "the day of service was chosen so that its window closes"
        name = self.name("N")
        return Notice(
            id=NoticeId(name),
            clause=REF,
            offer_id=OfferId(f"offer-{name}"),
            terms=terms,
            use=use,
            served_ms=served_ms,
            closes_ms=closes_ms,
            served_by="somebody",
            sha256=sha256(name.encode()).hexdigest(),
        )

    def answer(self, notice: Notice, kind: AnswerKind, answered_ms: int, terms: Terms) -> Answer:
        """Record how a notice ended, at that time or somewhat later."""
        late_ms = self.dice.pick((0, 1, self.dice.between(0, 3 * MS_PER_HOUR)))
        self.pen.until(answered_ms + late_ms)
        answer = Answer(
            notice_id=notice.id, kind=kind, answered_ms=answered_ms, terms=terms, actor="holder", why="they said so"
        )
        self.pen.write(NoticeAnswered(answer=answer))
        return answer

    def award(self, provider: ProviderId, terms: Terms, use: Use, awarded_ms: int, *evidence: Evidence) -> AwardRecord:
        """Award new capacity."""
        award = self.award_record(provider, terms, use, awarded_ms, *evidence)
        self.pen.until(awarded_ms)
        self.write_award(award)
        return award

    def write_award(self, award: AwardRecord) -> None:
        """Record an award now, whatever it is dated."""
        self.pen.write(AwardMade(award=award))

    def award_record(
        self, provider: ProviderId, terms: Terms, use: Use, awarded_ms: int, *evidence: Evidence
    ) -> AwardRecord:
        """An award that nobody has recorded yet."""
        return AwardRecord(
            id=AwardId(self.name("A")),
            offer_id=OfferId(self.name("offer")),
            provider_id=provider,
            pool_id=pool_id(provider, terms.accelerator),
            terms=terms,
            use=use,
            new_capacity=True,
            awarded_ms=awarded_ms,
            evidence=evidence,
            actor="somebody",
            why="it was needed",
        )

    def waiver_evidence(self, notice: Notice, awarded_ms: int) -> Evidence:
        """The claim that a notice left it to others."""
        return Evidence(
            code="waiver",
            clause=REF,
            notice_id=notice.id,
            notice_sha256=notice.sha256,
            awarded_ms=awarded_ms,
            text="left to others",
        )

    def order(self, award: AwardRecord) -> Tranche:
        """Order all that was awarded, as one tranche."""
        return self.record(award.provider_id, self.tranche(award))

    def tranche(self, award: AwardRecord) -> Tranche:
        """A tranche that is just what was awarded."""
        return Tranche(
            id=TrancheId(f"{award.provider_id}-1/{self.name('t')}"),
            pool_id=award.pool_id,
            domains=1,
            nodes_per_domain=award.terms.chips // CHIPS_PER_NODE,
            new_capacity=award.new_capacity,
            use=award.use,
            promised_ms=award.terms.starts_ms,
            ends_ms=award.terms.ends_ms,
            rate_micro_usd_per_chip_hour=award.terms.rate_micro_usd_per_chip_hour,
            rate_source="the offer",
            award=Award(awarded_ms=award.awarded_ms, award_id=award.id),
        )

    def record(self, provider: ProviderId, tranche: Tranche) -> Tranche:
        """Record a tranche, or another version of it, in its provider's contract."""
        kept = [one for one in self.tranches.get(provider, []) if one.id != tranche.id]
        self.tranches[provider] = [*kept, tranche]
        self.pen.write(DocumentRecorded(document=self.contract(provider)))
        return tranche

    def contract(self, provider: ProviderId) -> Contract:
        """A provider's contract with the tranches that it has by now."""
        clauses = holder_clauses(self.world) if provider == HOLDER else []
        return contract_of(provider, clauses, tuple(self.tranches.get(provider, [])), self.world.calendar)

    def waive(self, terms: Terms, served_ms: int, answered_ms: int, expires_ms: int, answer: WaiverAnswer) -> Waiver:
        """Record a waiver that was given elsewhere."""
        waiver = Waiver(
            id=WaiverId(self.name("W")),
            contract_id=REF.contract_id,
            clause_id=REF.clause_id,
            served_ms=served_ms,
            answered_ms=answered_ms,
            expires_ms=expires_ms,
            answer=answer,
            accelerators=(terms.accelerator,),
            chips=terms.chips,
            rate_micro_usd_per_chip_hour=terms.rate_micro_usd_per_chip_hour,
            notice_sha256="0" * 64,
            source="made by chance",
        )
        self.pen.write(DocumentRecorded(document=waiver))
        return waiver

    def run_on(self, provider: ProviderId, tranche: Tranche) -> None:
        """Place a run in a tranche."""
        workload = WorkloadId(self.name("w"))
        allocation = Allocation(
            provider_id=provider,
            pool_id=tranche.pool_id,
            contract_id=contract_of(provider, [], (), self.world.calendar).id,
            tranche_id=tranche.id,
            domain_id=DomainId(f"{tranche.id}#0"),
            accelerator=AcceleratorName(tranche.pool_id.rpartition("/")[2].upper()),
            nodes=(NodeShare(node=0, chips=CHIPS_PER_NODE),),
        )
        price = Price(micro_usd_per_chip_hour=tranche.rate_micro_usd_per_chip_hour, rule="rate")
        reason = PlacementReason(basis=Basis.GUARANTEED, price=price, evidence=Evidence(code="waiver"))
        self.pen.write(
            RunIntended(
                run_id=RunId(f"{workload}.0.1"),
                workload_id=workload,
                unit=0,
                generation=Generation(1),
                allocation=allocation,
                reason=reason,
            )
        )
