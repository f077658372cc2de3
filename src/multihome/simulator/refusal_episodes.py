"""Lawful episodes of a first-refusal history: each leaves a journal in which nothing is wrong, to the last instant."""

from collections.abc import Callable

import msgspec

from multihome.domain.clause_terms import ExemptionGround, Use
from multihome.domain.contracts import Award, Tranche, WaiverAnswer
from multihome.domain.events import ProviderLost, ProviderRestored, ProviderSilent
from multihome.domain.ids import AcceleratorName, ProviderId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Notice, Terms
from multihome.domain.workloads import WorkloadKind
from multihome.simulator.refusal_story import REF, Story
from multihome.simulator.refusal_world import (
    ACCELERATORS,
    CHIPS_PER_NODE,
    HOLDER,
    JURISDICTIONS,
    OWN,
    PRODUCTS,
    THIRDS,
    in_scope_use,
    region_of,
)
from multihome.units.calendar import later_days
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR

BPS = 10_000


class Left(msgspec.Struct, frozen=True):
    """What a notice left to others: to whom, until when, and how many chips at which rate at most."""

    provider: ProviderId
    notice: Notice
    answer: Answer
    expires_ms: int
    chips: int
    rate: int


def third_in_scope(story: Story) -> ProviderId:
    """Somebody else whose capacity the clause covers."""
    places = story.world.terms.scope.territories
    return story.dice.pick(
        [third for third in THIRDS if not places or {region_of(third), JURISDICTIONS[third]} & {*places}]
    )


def accelerator_in_scope(story: Story) -> AcceleratorName:
    """An accelerator that the clause covers."""
    return story.dice.pick(story.world.terms.scope.accelerators or ACCELERATORS)


def leave(story: Story, kind: AnswerKind) -> Left:
    """Serve a notice and let it end in a way that leaves something to others."""
    dice, provider = story.dice, third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, dice))
    answered_ms = notice.closes_ms
    if kind is not AnswerKind.LAPSED:
        # The last moment of the window counts, and so does the very moment of service.
        answered_ms = dice.pick(
            (notice.served_ms, notice.closes_ms - 1, dice.between(notice.served_ms, notice.closes_ms - 1))
        )
    taken, said = 0, msgspec.structs.replace(terms, chips=0)
    if kind is AnswerKind.MATCHED_IN_PART:
        taken = CHIPS_PER_NODE * dice.between(1, terms.chips // CHIPS_PER_NODE - 1)
        said = msgspec.structs.replace(terms, chips=taken)
    answer = story.answer(notice, kind, answered_ms, said)
    change, calendar = story.world.terms.material_change, story.world.calendar
    return Left(
        provider,
        notice,
        answer,
        later_days(answered_ms, story.world.terms.waiver_days, calendar.zone),
        (terms.chips - taken) * (BPS + change.chips_bps) // BPS,
        terms.rate_micro_usd_per_chip_hour * (BPS + change.rate_bps) // BPS,
    )


def leave_somehow(story: Story) -> Left:
    """Let a notice end in any way that leaves something to others."""
    return leave(story, story.dice.pick((AnswerKind.DECLINED, AnswerKind.LAPSED, AnswerKind.MATCHED_IN_PART)))


def within(story: Story, left: Left, chips: int) -> Terms:
    """Terms that a waiver covers: as noticed, or moved as far as the clause allows."""
    dice, change, terms = story.dice, story.world.terms.material_change, left.notice.terms
    moved_ms = change.start_days * MS_PER_DAY
    stretched_ms = change.term_days * MS_PER_DAY
    return msgspec.structs.replace(
        terms,
        chips=chips,
        starts_ms=terms.starts_ms + dice.pick((0, moved_ms, -moved_ms)),
        ends_ms=terms.ends_ms + dice.pick((0, stretched_ms, -stretched_ms)),
        rate_micro_usd_per_chip_hour=dice.pick((left.rate, terms.rate_micro_usd_per_chip_hour, left.rate // 2)),
    )


def whole_nodes(chips: int) -> int:
    """As many chips as make whole nodes."""
    return chips // CHIPS_PER_NODE * CHIPS_PER_NODE


def award_under(story: Story, left: Left, chips: int) -> AwardRecord:
    """An award that a waiver covers, somewhere between its first and its last moment."""
    earliest_ms = max(left.answer.answered_ms, story.pen.now_ms)
    awarded_ms = story.dice.pick(
        (earliest_ms, left.expires_ms - 1, story.dice.between(earliest_ms, left.expires_ms - 1))
    )
    evidence = story.waiver_evidence(left.notice, awarded_ms)
    return story.award(left.provider, within(story, left, chips), left.notice.use, awarded_ms, evidence)


def use_it(story: Story, award: AwardRecord) -> Tranche:
    """Order what was awarded, in one part or two, and place a run on it or not."""
    whole = story.tranche(award)
    nodes = whole.nodes_per_domain
    if nodes > 1 and story.dice.chance(300):
        first = msgspec.structs.replace(whole, nodes_per_domain=story.dice.between(1, nodes - 1))
        second = msgspec.structs.replace(story.tranche(award), nodes_per_domain=nodes - first.nodes_per_domain)
        story.record(award.provider_id, first)
        story.run_on(award.provider_id, first)
        return story.record(award.provider_id, second)
    story.record(award.provider_id, whole)
    for _ in range(story.dice.between(0, 2)):
        story.run_on(award.provider_id, whole)
    return whole


def awarded_elsewhere(story: Story) -> None:
    """Notice, an answer that leaves chips, and one or two awards that take them to the last chip or not."""
    left = leave_somehow(story)
    nodes = left.chips // CHIPS_PER_NODE
    first = story.dice.pick((nodes, story.dice.between(1, nodes)))
    use_it(story, award_under(story, left, first * CHIPS_PER_NODE))
    if nodes > first and story.pen.now_ms < left.expires_ms:
        use_it(story, award_under(story, left, (nodes - first) * CHIPS_PER_NODE))


def answered_late_on_record(story: Story) -> None:
    """An answer within the window that came to hand after the notice had lapsed on record; awards rest on it alone."""
    left = leave(story, AnswerKind.LAPSED)
    notice, terms = left.notice, left.notice.terms
    answered_ms = story.dice.pick((notice.served_ms, notice.closes_ms - 1))
    kind = story.dice.pick((AnswerKind.DECLINED, AnswerKind.MATCHED_IN_PART, AnswerKind.MATCHED))
    taken = {AnswerKind.DECLINED: 0, AnswerKind.MATCHED: terms.chips}.get(kind, CHIPS_PER_NODE)
    answer = story.answer(notice, kind, answered_ms, msgspec.structs.replace(terms, chips=taken))
    expires_ms = later_days(answered_ms, story.world.terms.waiver_days, story.world.calendar.zone)
    if kind is AnswerKind.MATCHED or story.pen.now_ms >= expires_ms:
        return
    chips = (terms.chips - taken) * (BPS + story.world.terms.material_change.chips_bps) // BPS
    now = msgspec.structs.replace(left, answer=answer, expires_ms=expires_ms, chips=chips)
    use_it(story, award_under(story, now, whole_nodes(chips)))


def awarded_to_holder(story: Story) -> None:
    """The holder matches in full, and is awarded what it matched."""
    terms = story.terms(HOLDER, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    answered_ms = story.dice.pick((notice.served_ms, notice.closes_ms - 1))
    story.answer(notice, AnswerKind.MATCHED, answered_ms, terms)
    evidence = Evidence(code="holder", clause=REF)
    use_it(story, story.award(HOLDER, terms, notice.use, story.pen.now_ms, evidence))


def left_open(story: Story) -> None:
    """A notice that nobody has answered yet, and no award."""
    story.serve(story.terms(third_in_scope(story), accelerator_in_scope(story)), in_scope_use(story.world, story.dice))


def out_of_scope(story: Story) -> None:
    """An award that the clause does not bind: old capacity, another accelerator, place or use."""
    scope, dice = story.world.terms.scope, story.dice
    use = Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[0],))
    provider, accelerator, new = third_in_scope(story), accelerator_in_scope(story), True
    ways: list[str] = []
    ways += ["old"] if scope.new_capacity_only else []
    ways += ["accelerator"] if scope.accelerators == ACCELERATORS[:1] and story.world.exclusive is None else []
    ways += ["place"] if scope.territories == ("US",) else []
    ways += ["kind"] if scope.workload_kinds and story.world.exclusive is None else []
    ways += ["product"] if scope.products else []
    if not ways:
        return
    match dice.pick(ways):
        case "old":
            new = False
        case "accelerator":
            accelerator = ACCELERATORS[1]
        case "place":
            provider = THIRDS[1]
        case "kind":
            use = Use(workload_kinds=(WorkloadKind.INFERENCE,), products=(PRODUCTS[0],))
        case _:
            use = Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[1],))
    evidence = Evidence(code="no_clause" if new else "not_new")
    record = story.award_record(provider, story.terms(provider, accelerator), use, story.pen.now_ms, evidence)
    record = msgspec.structs.replace(record, new_capacity=new)
    story.write_award(record)
    use_it(story, record)


def before_the_clause(story: Story) -> None:
    """A tranche that was awarded before the clause began."""
    terms = story.terms(third_in_scope(story), accelerator_in_scope(story))
    provider = third_in_scope(story)
    awarded_ms = story.world.terms.interval.start_ms - story.dice.pick((1, MS_PER_DAY))
    record = story.award_record(provider, terms, Use(), awarded_ms)
    tranche = msgspec.structs.replace(story.tranche(record), award=Award(awarded_ms=awarded_ms))
    story.run_on(provider, story.record(provider, tranche))


def own_site(story: Story) -> None:
    """The organisation builds for itself, where the clause lets it."""
    if not any(exemption.ground is ExemptionGround.OWN_SITE for exemption in story.world.terms.exemptions):
        return
    use = Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[0],))
    terms = story.terms(OWN, accelerator_in_scope(story))
    evidence = Evidence(code="exemption", clause=REF)
    use_it(story, story.award(OWN, terms, use, story.pen.now_ms, evidence))


def replaced_after_loss(story: Story) -> None:
    """A provider is declared lost, and something stands in for it within the days that the clause gives."""
    exemption = next((one for one in story.world.terms.exemptions if one.ground is ExemptionGround.PROVIDER_LOSS), None)
    if exemption is None:
        return
    lost_ms = story.pen.now_ms
    story.pen.write(ProviderLost(provider_id=HOLDER, actor="somebody", why="it burnt down"))
    until_ms = later_days(lost_ms, exemption.days, story.world.calendar.zone)
    awarded_ms = story.dice.pick((lost_ms, until_ms - 1, story.dice.between(lost_ms, until_ms - 1)))
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    use = in_scope_use(story.world, story.dice)
    evidence = Evidence(code="exemption", clause=REF)
    record = story.award_record(provider, terms, use, awarded_ms, evidence)
    record = msgspec.structs.replace(record, replaces=HOLDER)
    story.pen.until(awarded_ms)
    story.write_award(record)
    # A provider may be back in the very millisecond in which something was awarded in its stead.
    story.pen.now_ms += story.dice.pick((0, story.dice.between(1, MS_PER_DAY)))
    story.pen.write(ProviderRestored(provider_id=HOLDER, actor="somebody", why="it was rebuilt"))
    use_it(story, record)


def exempt_document(story: Story) -> None:
    """A tranche whose document names the ground on which the clause exempts it, as somebody's own or after a loss."""
    if not story.world.terms.exemptions:
        return
    exemption = story.dice.pick(story.world.terms.exemptions)
    on_loss = exemption.ground is ExemptionGround.PROVIDER_LOSS
    provider = third_in_scope(story) if on_loss else OWN
    awarded_ms = story.pen.now_ms
    if on_loss:
        story.pen.write(ProviderLost(provider_id=HOLDER, actor="somebody", why="it burnt down"))
        until_ms = later_days(awarded_ms, exemption.days, story.world.calendar.zone)
        awarded_ms = story.dice.pick((awarded_ms, until_ms - 1))
        story.pen.until(awarded_ms)
    tranche = document_tranche(story, provider, story.terms(provider, accelerator_in_scope(story)), awarded_ms)
    award = Award(awarded_ms=awarded_ms, exempt_by=exemption.ground, replaces=HOLDER if on_loss else None)
    recorded = story.record(provider, msgspec.structs.replace(tranche, award=award))
    if on_loss:
        story.pen.write(ProviderRestored(provider_id=HOLDER, actor="somebody", why="it was rebuilt"))
    story.run_on(provider, recorded)


def waived_elsewhere(story: Story) -> None:
    """Waivers and tranches that are older than the journal, recorded as documents."""
    left = document_waiver(story)
    awarded_ms = story.dice.pick((left.answered_ms, left.expires_ms - 1))
    tranche = document_tranche(story, left.provider, left.terms, awarded_ms)
    award = Award(awarded_ms=awarded_ms, waiver_ids=(left.waiver_id,))
    story.run_on(left.provider, story.record(left.provider, msgspec.structs.replace(tranche, award=award)))


class Waived(msgspec.Struct, frozen=True):
    """A waiver that was recorded as a document."""

    provider: ProviderId
    terms: Terms
    answered_ms: int
    expires_ms: int
    waiver_id: WaiverId


def document_waiver(story: Story) -> Waived:
    """Record a waiver that was given elsewhere, before now."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    answered_ms = story.pen.now_ms - story.dice.between(1, 30) * MS_PER_DAY
    expires_ms = answered_ms + story.dice.between(10, 200) * MS_PER_DAY
    waiver = story.waive(terms, answered_ms - MS_PER_HOUR, answered_ms, expires_ms, WaiverAnswer.DECLINED)
    return Waived(provider, terms, answered_ms, expires_ms, waiver.id)


def document_tranche(story: Story, provider: ProviderId, terms: Terms, awarded_ms: int) -> Tranche:
    """A tranche for training and research whose award stands in its document alone."""
    use = Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[0],))
    return story.tranche(story.award_record(provider, terms, use, awarded_ms))


def corrected_in_time(story: Story) -> None:
    """A tranche that was first recorded without its waiver, and got no run before it had it."""
    left = document_waiver(story)
    tranche = document_tranche(story, left.provider, left.terms, left.answered_ms)
    story.record(left.provider, msgspec.structs.replace(tranche, award=Award(awarded_ms=left.answered_ms)))
    award = Award(awarded_ms=left.answered_ms, waiver_ids=(left.waiver_id,))
    story.run_on(left.provider, story.record(left.provider, msgspec.structs.replace(tranche, award=award)))


def small_talk(story: Story) -> None:
    """Records that a first refusal does not turn on."""
    for _ in range(story.dice.between(1, 4)):
        story.pen.write(ProviderSilent(provider_id=story.dice.pick(THIRDS), error="no answer; AwardMade, it says"))


LAWFUL: tuple[Callable[[Story], None], ...] = (
    awarded_elsewhere,
    answered_late_on_record,
    awarded_elsewhere,
    awarded_to_holder,
    before_the_clause,
    corrected_in_time,
    exempt_document,
    left_open,
    out_of_scope,
    own_site,
    replaced_after_loss,
    small_talk,
    waived_elsewhere,
)


def tell_something(story: Story) -> None:
    """One lawful episode, some hours after the one before."""
    story.pen.now_ms += story.dice.between(1, 72) * MS_PER_HOUR
    story.dice.pick(LAWFUL)(story)
