"""Planted breaches of a first refusal, one function a kind, each as close to the lawful as it can be."""

from collections.abc import Callable

import msgspec

from multihome.domain.clause_terms import ClauseRef, ExemptionGround, Use
from multihome.domain.contracts import Award, WaiverAnswer
from multihome.domain.events import NoticeAnswered, NoticeServed, ProviderLost
from multihome.domain.ids import AwardId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AnswerKind
from multihome.domain.workloads import WorkloadKind
from multihome.simulator.refusal_episodes import (
    Left,
    accelerator_in_scope,
    award_under,
    document_tranche,
    document_waiver,
    leave,
    leave_somehow,
    third_in_scope,
    use_it,
    whole_nodes,
    within,
)
from multihome.simulator.refusal_story import REF, Story
from multihome.simulator.refusal_world import ACCELERATORS, CHIPS_PER_NODE, HOLDER, OWN, PRODUCTS, in_scope_use
from multihome.units.calendar import later_days
from multihome.units.time import MS_PER_DAY
from multihome_verify.findings import FindingKind

TRAINING = Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[0],))


def no_notice(story: Story) -> None:
    """An award in scope that names nothing at all, or claims that no clause binds it."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    evidence = story.dice.pick(((), (Evidence(code="no_clause"),), (Evidence(code="not_new", clause=REF),)))
    use_it(story, story.award(provider, terms, TRAINING, story.pen.now_ms, *evidence))


def before_the_answer(story: Story) -> None:
    """An award while the notice is open; the holder declines afterwards."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    awarded_ms = story.dice.between(notice.served_ms, notice.closes_ms - 2)
    evidence = story.waiver_evidence(notice, awarded_ms)
    award = story.award(provider, terms, notice.use, awarded_ms, evidence)
    story.answer(notice, AnswerKind.DECLINED, notice.closes_ms - 1, msgspec.structs.replace(terms, chips=0))
    use_it(story, award)


def backdated_notice(story: Story) -> None:
    """Notice and answer are made up after the award, and dated before it."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    drawn = story.serve(terms, TRAINING)
    story.pen.rows.pop()
    story.pen.until(drawn.closes_ms)
    story.award(provider, terms, TRAINING, drawn.closes_ms, story.waiver_evidence(drawn, drawn.closes_ms))
    story.pen.write(NoticeServed(notice=drawn))
    answered_ms = drawn.closes_ms - 1
    story.answer(drawn, AnswerKind.DECLINED, answered_ms, msgspec.structs.replace(terms, chips=0))


def after_expiry(story: Story) -> None:
    """An award at the very instant at which the waiver has expired, or later."""
    left = leave_somehow(story)
    awarded_ms = left.expires_ms + story.dice.pick((0, 1, MS_PER_DAY))
    _award(story, left, awarded_ms, whole_nodes(left.chips))


def before_the_waiver(story: Story) -> None:
    """An award that is recorded after the answer, and dated a moment before it."""
    left = leave_somehow(story)
    _award(story, left, left.answer.answered_ms - 1, whole_nodes(left.chips))


def more_chips(story: Story) -> None:
    """One node more than is left."""
    left = leave_somehow(story)
    award_under(story, left, whole_nodes(left.chips) + CHIPS_PER_NODE)


def part_forgotten(story: Story) -> None:
    """All that was noticed, although the holder had taken a part."""
    left = leave(story, AnswerKind.MATCHED_IN_PART)
    award_under(story, left, max(left.notice.terms.chips, whole_nodes(left.chips) + CHIPS_PER_NODE))


def two_awards(story: Story) -> None:
    """Two awards that each would fit, and together do not."""
    left = leave(story, AnswerKind.DECLINED)
    first = whole_nodes(left.chips)
    awarded_ms = max(story.pen.now_ms, left.answer.answered_ms)
    _award(story, left, awarded_ms, first)
    _award(story, left, awarded_ms, CHIPS_PER_NODE)


def better_rate(story: Story) -> None:
    """One micro-unit more than the clause tolerates."""
    left = leave_somehow(story)
    terms = msgspec.structs.replace(
        within(story, left, whole_nodes(left.chips)), rate_micro_usd_per_chip_hour=left.rate + 1
    )
    at_ms = max(story.pen.now_ms, left.answer.answered_ms)
    use_it(story, story.award(left.provider, terms, left.notice.use, at_ms, story.waiver_evidence(left.notice, at_ms)))


def above_the_counter_offer(story: Story) -> None:
    """The holder declined and named a rate of its own below the one noticed; the award pays more than that."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    own = terms.rate_micro_usd_per_chip_hour // 2
    said = msgspec.structs.replace(terms, rate_micro_usd_per_chip_hour=own)
    story.answer(notice, AnswerKind.DECLINED, notice.closes_ms - 1, said)
    terms = msgspec.structs.replace(terms, rate_micro_usd_per_chip_hour=own + 1)
    at_ms = story.pen.now_ms
    story.award(provider, terms, notice.use, at_ms, story.waiver_evidence(notice, at_ms))


def other_accelerator(story: Story) -> None:
    """Other chips than were noticed; where the clause covers only one kind, other dates than it tolerates."""
    left = leave_somehow(story)
    terms = within(story, left, whole_nodes(left.chips))
    if story.world.terms.scope.accelerators == ACCELERATORS[:1]:
        far_ms = story.world.terms.material_change.start_days * MS_PER_DAY + 1
        terms = msgspec.structs.replace(terms, starts_ms=left.notice.terms.starts_ms - far_ms)
    else:
        other = next(one for one in ACCELERATORS if one != terms.accelerator)
        terms = msgspec.structs.replace(terms, accelerator=other)
    at_ms = max(story.pen.now_ms, left.answer.answered_ms)
    use_it(story, story.award(left.provider, terms, left.notice.use, at_ms, story.waiver_evidence(left.notice, at_ms)))


def longer_term(story: Story) -> None:
    """An end further from the one noticed than the clause tolerates, by a millisecond."""
    left = leave_somehow(story)
    far_ms = story.world.terms.material_change.term_days * MS_PER_DAY + 1
    terms = within(story, left, whole_nodes(left.chips))
    terms = msgspec.structs.replace(terms, ends_ms=left.notice.terms.ends_ms + story.dice.pick((far_ms, -far_ms)))
    at_ms = max(story.pen.now_ms, left.answer.answered_ms)
    use_it(story, story.award(left.provider, terms, left.notice.use, at_ms, story.waiver_evidence(left.notice, at_ms)))


def wrong_exemption(story: Story) -> None:
    """An exemption that the clause does not make: somebody else's site, no loss at all, or one of too many days ago."""
    provider, replaces, at_ms = third_in_scope(story), None, story.pen.now_ms
    exemption = next((one for one in story.world.terms.exemptions if one.ground is ExemptionGround.PROVIDER_LOSS), None)
    if exemption is not None and story.dice.chance(600):
        story.pen.write(ProviderLost(provider_id=HOLDER, actor="somebody", why="it burnt down"))
        at_ms = later_days(at_ms, exemption.days, story.world.calendar.zone) + story.dice.pick((0, MS_PER_DAY))
        replaces = HOLDER
    terms = story.terms(provider, accelerator_in_scope(story))
    evidence = Evidence(code="exemption", clause=REF)
    use = in_scope_use(story.world, story.dice)
    record = story.award_record(provider, terms, use, at_ms, evidence)
    story.pen.until(at_ms)
    story.write_award(msgspec.structs.replace(record, replaces=replaces))
    use_it(story, record)


def late_match(story: Story) -> None:
    """An answer at the closing instant or later, taken as a match."""
    terms = story.terms(HOLDER, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    story.answer(notice, AnswerKind.MATCHED, notice.closes_ms + story.dice.pick((0, 1, MS_PER_DAY)), terms)


def early_lapse(story: Story) -> None:
    """Silence taken for a waiver a moment before the window closed."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    lapsed_ms = notice.closes_ms - story.dice.pick((1, notice.closes_ms - notice.served_ms))
    story.answer(notice, AnswerKind.LAPSED, lapsed_ms, msgspec.structs.replace(terms, chips=0))
    at_ms = story.pen.now_ms
    use_it(story, story.award(provider, terms, notice.use, at_ms, story.waiver_evidence(notice, at_ms)))


def short_window(story: Story) -> None:
    """A notice that states a shorter window than the clause gives, by a moment or by a day."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    drawn = story.serve(terms, in_scope_use(story.world, story.dice))
    story.pen.rows.pop()
    short_ms = story.dice.pick((1, min(MS_PER_DAY, drawn.closes_ms - drawn.served_ms)))
    story.pen.write(NoticeServed(notice=msgspec.structs.replace(drawn, closes_ms=drawn.closes_ms - short_ms)))


def answered_twice(story: Story) -> None:
    """The holder matched; that it declined is recorded beside it, and the award goes elsewhere."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    story.answer(notice, AnswerKind.MATCHED, notice.served_ms, terms)
    answered_ms = min(story.pen.now_ms, notice.closes_ms - 1)
    story.pen.until(answered_ms)
    second = Answer(
        notice_id=notice.id, kind=AnswerKind.DECLINED, answered_ms=answered_ms, terms=terms, actor="us", why="so we say"
    )
    story.pen.write(NoticeAnswered(answer=second))
    at_ms = story.pen.now_ms
    story.award(provider, terms, notice.use, at_ms, story.waiver_evidence(notice, at_ms))


def answered_after_the_award(story: Story) -> None:
    """An award was made on a lapse; that the holder had declined in time is recorded afterwards."""
    left = leave(story, AnswerKind.LAPSED)
    award_under(story, left, whole_nodes(left.chips))
    terms = msgspec.structs.replace(left.notice.terms, chips=0)
    story.answer(left.notice, AnswerKind.DECLINED, left.notice.closes_ms - 1, terms)


def lapse_forgotten(story: Story) -> None:
    """The holder's match came to hand after the lapse; the award is made on the lapse all the same."""
    left = leave(story, AnswerKind.LAPSED)
    story.answer(left.notice, AnswerKind.MATCHED, left.notice.closes_ms - 1, left.notice.terms)
    story.pen.until(left.answer.answered_ms)
    award_under(story, left, whole_nodes(left.chips))


def matched_elsewhere(story: Story) -> None:
    """The holder matched in full, and the award goes to the third party all the same."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    notice = story.serve(terms, in_scope_use(story.world, story.dice))
    story.answer(notice, AnswerKind.MATCHED, notice.closes_ms - 1, terms)
    at_ms = story.pen.now_ms
    use_it(story, story.award(provider, terms, notice.use, at_ms, story.waiver_evidence(notice, at_ms)))


def other_clause(story: Story) -> None:
    """The notice that an award names was served under another clause, or has another content than it names."""
    left = leave_somehow(story)
    at_ms = max(story.pen.now_ms, left.answer.answered_ms)
    terms, evidence = within(story, left, whole_nodes(left.chips)), story.waiver_evidence(left.notice, at_ms)
    if story.dice.chance(500):
        evidence = msgspec.structs.replace(evidence, notice_sha256="f" * 64)
    else:
        evidence = msgspec.structs.replace(evidence, notice_id=None, waiver_id=WaiverId(story.name("W")))
    story.award(left.provider, terms, left.notice.use, at_ms, evidence)


def tranche_beyond(story: Story) -> None:
    """A tranche with a node, a moment or a micro-unit more than its award, or that claims to be old capacity."""
    left = leave_somehow(story)
    award = award_under(story, left, whole_nodes(left.chips))
    tranche = story.tranche(award)
    changes = [
        {"nodes_per_domain": tranche.nodes_per_domain + 1},
        {"ends_ms": tranche.ends_ms + 1},
        {"promised_ms": tranche.promised_ms - 1},
        {"rate_micro_usd_per_chip_hour": tranche.rate_micro_usd_per_chip_hour + 1},
        {"new_capacity": False},
    ]
    spoilt = msgspec.structs.replace(tranche, **story.dice.pick(changes))
    story.run_on(award.provider_id, story.record(award.provider_id, spoilt))


def invented_award(story: Story) -> None:
    """A tranche that names an award which was never made."""
    left = leave_somehow(story)
    at_ms = max(story.pen.now_ms, left.answer.answered_ms)
    record = story.award_record(left.provider, within(story, left, CHIPS_PER_NODE), left.notice.use, at_ms)
    tranche = msgspec.structs.replace(story.tranche(record), award=Award(awarded_ms=at_ms, award_id=AwardId("none")))
    story.record(left.provider, tranche)


def run_before_permission(story: Story) -> None:
    """A run on a tranche that got its waiver only afterwards."""
    waived = document_waiver(story)
    tranche = document_tranche(story, waived.provider, waived.terms, waived.answered_ms)
    bare = msgspec.structs.replace(tranche, award=Award(awarded_ms=waived.answered_ms))
    story.run_on(waived.provider, story.record(waived.provider, bare))
    award = Award(awarded_ms=waived.answered_ms, waiver_ids=(waived.waiver_id,))
    story.record(waived.provider, msgspec.structs.replace(tranche, award=award))


def unwaived_document(story: Story) -> None:
    """A tranche in scope whose document names neither waiver nor exemption, with a run on it."""
    provider = third_in_scope(story)
    at_ms = story.pen.now_ms
    tranche = document_tranche(story, provider, story.terms(provider, accelerator_in_scope(story)), at_ms)
    bare = msgspec.structs.replace(tranche, award=Award(awarded_ms=at_ms))
    story.run_on(provider, story.record(provider, bare))


def wrongly_exempt_document(story: Story) -> None:
    """A tranche whose document names a ground on which the clause does not exempt it, with a run on it.

    Somebody else's capacity as one's own, a loss of nobody, one of too many days ago, or one that was told afterwards.
    """
    provider, at_ms = third_in_scope(story), story.pen.now_ms
    ground, told_late = ExemptionGround.OWN_SITE, story.dice.chance(300)
    loss = next((one for one in story.world.terms.exemptions if one.ground is ExemptionGround.PROVIDER_LOSS), None)
    lost = ProviderLost(provider_id=HOLDER, actor="somebody", why="it burnt down")
    if story.dice.chance(700):
        ground = ExemptionGround.PROVIDER_LOSS
        if loss is not None and not told_late and story.dice.chance(700):
            story.pen.write(lost)
            at_ms = later_days(at_ms, loss.days, story.world.calendar.zone)
            story.pen.until(at_ms)
    tranche = document_tranche(story, provider, story.terms(provider, accelerator_in_scope(story)), at_ms)
    replaces = HOLDER if ground is ExemptionGround.PROVIDER_LOSS else None
    award = Award(awarded_ms=at_ms, exempt_by=ground, replaces=replaces)
    story.run_on(provider, story.record(provider, msgspec.structs.replace(tranche, award=award)))
    if told_late:
        story.pen.write(lost)


def expired_document(story: Story) -> None:
    """A tranche under a recorded waiver that had expired."""
    waived = document_waiver(story)
    tranche = document_tranche(story, waived.provider, waived.terms, waived.expires_ms)
    award = Award(awarded_ms=waived.expires_ms, waiver_ids=(waived.waiver_id,))
    story.record(waived.provider, msgspec.structs.replace(tranche, award=award))


def early_lapse_of_document(story: Story) -> None:
    """A tranche under a recorded waiver that is said to have lapsed before its window closed."""
    provider = third_in_scope(story)
    terms = story.terms(provider, accelerator_in_scope(story))
    story.serve(terms, TRAINING)
    story.pen.rows.pop()
    served_ms = story.pen.now_ms
    closes_ms = story.closes_ms(served_ms)
    assert isinstance(closes_ms, int), "`serve` moved on to a day whose window closes"
    lapsed_ms = closes_ms - 1
    story.pen.until(lapsed_ms)
    waiver = story.waive(terms, served_ms, lapsed_ms, lapsed_ms + 30 * MS_PER_DAY, WaiverAnswer.LAPSED)
    tranche = document_tranche(story, provider, terms, lapsed_ms)
    award = Award(awarded_ms=lapsed_ms, waiver_ids=(waiver.id,))
    story.record(provider, msgspec.structs.replace(tranche, award=award))


def exclusive_capacity(story: Story) -> None:
    """New capacity that was exclusive to the holder, where a clause makes it so, under claims of an exemption."""
    assert story.world.exclusive is not None, "the breach needs the clause"
    use = Use(workload_kinds=(WorkloadKind.INFERENCE,), products=(PRODUCTS[1],))
    provider = story.dice.pick((third_in_scope(story), OWN))
    terms = story.terms(provider, ACCELERATORS[1])
    clause = ClauseRef(REF.contract_id, story.world.exclusive.id)
    evidence = [Evidence(code="exemption", clause=ref) for ref in (clause, REF)]
    use_it(story, story.award(provider, terms, use, story.pen.now_ms, *evidence))


def _award(story: Story, left: Left, awarded_ms: int, chips: int) -> None:
    evidence = story.waiver_evidence(left.notice, awarded_ms)
    use_it(story, story.award(left.provider, within(story, left, chips), left.notice.use, awarded_ms, evidence))


BREACHES: dict[Callable[[Story], None], tuple[FindingKind, ...]] = {
    no_notice: (FindingKind.NO_EVIDENCE,),
    before_the_answer: (FindingKind.OUT_OF_ORDER,),
    backdated_notice: (FindingKind.EVIDENCE_MISSING,),
    after_expiry: (FindingKind.OUTSIDE_WAIVER,),
    before_the_waiver: (FindingKind.OUTSIDE_WAIVER,),
    more_chips: (FindingKind.TOO_MANY_CHIPS,),
    part_forgotten: (FindingKind.TOO_MANY_CHIPS,),
    two_awards: (FindingKind.TOO_MANY_CHIPS,),
    better_rate: (FindingKind.BETTER_RATE,),
    above_the_counter_offer: (FindingKind.BETTER_RATE,),
    other_accelerator: (FindingKind.OTHER_TERMS,),
    longer_term: (FindingKind.OTHER_TERMS,),
    wrong_exemption: (FindingKind.WRONG_EXEMPTION,),
    late_match: (FindingKind.LATE_ANSWER,),
    early_lapse: (FindingKind.EARLY_LAPSE,),
    short_window: (FindingKind.WRONG_WINDOW,),
    answered_twice: (FindingKind.ANSWERED_TWICE, FindingKind.MATCHED),
    answered_after_the_award: (FindingKind.ANSWERED_TWICE,),
    lapse_forgotten: (FindingKind.MATCHED,),
    matched_elsewhere: (FindingKind.MATCHED,),
    other_clause: (FindingKind.EVIDENCE_MISSING,),
    tranche_beyond: (FindingKind.BEYOND_AWARD,),
    invented_award: (FindingKind.EVIDENCE_MISSING,),
    run_before_permission: (FindingKind.PLACED_WITHOUT_PERMISSION,),
    unwaived_document: (FindingKind.NO_EVIDENCE, FindingKind.PLACED_WITHOUT_PERMISSION),
    wrongly_exempt_document: (FindingKind.WRONG_EXEMPTION, FindingKind.PLACED_WITHOUT_PERMISSION),
    expired_document: (FindingKind.OUTSIDE_WAIVER,),
    early_lapse_of_document: (FindingKind.EARLY_LAPSE,),
    exclusive_capacity: (FindingKind.EXCLUSIVE,),
}
"""Every kind of breach, and the findings that must come of it, all of them."""
BESIDE: dict[str, set[FindingKind]] = {exclusive_capacity.__name__: {FindingKind.WRONG_EXEMPTION}}
"""What may be found beside a breach: exclusive capacity lies in the scope of the first refusal too, or it does not."""
