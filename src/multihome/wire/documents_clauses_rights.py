"""The shapes of clauses that say who may be used, and what is asked before an award."""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from multihome.domain.clause_terms import (
    ConcentrationCap,
    Dimension,
    Exclusivity,
    Exemption,
    ExemptionGround,
    Favoured,
    FavouredRemedy,
    FirstRefusal,
    FirstRefusalMode,
    MatchTest,
    MaterialChange,
    Measure,
    MostFavoured,
    Substitution,
    SubstitutionRule,
)
from multihome.domain.ids import AcceleratorName
from multihome.units.time import Interval
from multihome.wire.documents_clause_parts import (
    ClauseShape,
    EquivalentIn,
    NoticeShape,
    ScopeIn,
    WorkloadKinds,
    equivalents_data,
    scope_data,
    window_data,
)
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    Accelerator,
    BasisPoints,
    Count,
    Days,
    Increase,
    Shape,
    percent_text,
    without_empty,
)


class ExclusivityIn(ClauseShape):
    """In scope only the contract's provider may be used."""

    kind: Literal["exclusivity"]
    """Says which clause this is."""
    scope: ScopeIn
    """What it covers."""

    def to_terms(self, contract: Interval) -> Exclusivity:
        """The clause."""
        return Exclusivity(
            id=self.name, interval=self.interval(contract), scope=self.scope.to_fact(), source=self.source
        )


def exclusivity_data(terms: Exclusivity) -> dict[str, Any]:
    """The way back."""
    return {"scope": scope_data(terms.scope)}


class MatchIn(Shape):
    """When the holder's answer counts as a match."""

    discount_per_year: BasisPoints = 0
    """At which yearly rate the payments of both are discounted, month by month, before they are compared."""
    start_tolerance_days: Days = 0
    """How much later than noticed the holder may begin."""
    equivalents: list[EquivalentIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Chips that may stand for those noticed; none when left out."""

    def to_fact(self) -> MatchTest:
        """The test."""
        return MatchTest(
            discount_bps_per_year=self.discount_per_year,
            start_tolerance_days=self.start_tolerance_days,
            equivalents=tuple(equivalent.to_fact() for equivalent in self.equivalents),
        )


class MaterialChangeIn(Shape):
    """How far terms may move after a notice without a new one."""

    rate_up_by: Increase = 0
    """How much more than the rate that was noticed: 5% lets a rate of 2.00 become 2.10."""
    chips_up_by: Increase = 0
    """How many more chips than were noticed: 10% lets 100 chips become 110."""
    start_days: Days = 0
    """How far the start may move, either way."""
    term_days: Days = 0
    """How far the length may move, either way."""

    def to_fact(self) -> MaterialChange:
        """The bounds."""
        return MaterialChange(
            rate_bps=self.rate_up_by, chips_bps=self.chips_up_by, start_days=self.start_days, term_days=self.term_days
        )


class ExemptionIn(Shape):
    """An exception that the first refusal itself makes."""

    ground: Annotated[ExemptionGround, Strict(strict=False)]
    """`own_site`: the organisation's own capacity. `provider_loss`: capacity in place of a provider declared lost."""
    workloads: WorkloadKinds = []
    """For which kinds of workload; all when left out."""
    days: Days = 0
    """How long after the declaration of a loss an award is exempt."""

    def to_fact(self) -> Exemption:
        """The exemption."""
        return Exemption(ground=self.ground, workload_kinds=tuple(self.workloads), days=self.days)


class FirstRefusalIn(NoticeShape):
    """Before new capacity in scope is awarded to anyone else, the contract's provider is asked."""

    kind: Literal["right_of_first_refusal"]
    """Says which clause this is."""
    scope: ScopeIn
    """What it covers."""
    mode: Annotated[FirstRefusalMode, Strict(strict=False)]
    """What the holder is asked."""
    waiver_days: Days
    """How long a waiver holds."""
    incumbent_first: bool
    """Placement tries the holder's capacity first for workloads in scope."""
    match: MatchIn = MatchIn()
    """When an answer counts as a match; only the noticed terms or better ones when left out."""
    material_change: MaterialChangeIn = MaterialChangeIn()
    """How far terms may move without a new notice; not at all when left out."""
    exemptions: list[ExemptionIn] = Field(default=[], max_length=16)
    """Awards that need no notice; none when left out."""

    def to_terms(self, contract: Interval) -> FirstRefusal:
        """The clause."""
        return FirstRefusal(
            id=self.name,
            interval=self.interval(contract),
            scope=self.scope.to_fact(),
            mode=self.mode,
            notice=self.window(),
            waiver_days=self.waiver_days,
            incumbent_first=self.incumbent_first,
            match=self.match.to_fact(),
            material_change=self.material_change.to_fact(),
            exemptions=tuple(exemption.to_fact() for exemption in self.exemptions),
            source=self.source,
        )


def first_refusal_data(terms: FirstRefusal) -> dict[str, Any]:
    """The way back."""
    parts = {
        "match": _match_data(terms.match),
        "material_change": _material_change_data(terms.material_change),
        "exemptions": [_exemption_data(exemption) for exemption in terms.exemptions],
    }
    return {
        "scope": scope_data(terms.scope),
        "mode": terms.mode.value,
        **window_data(terms.notice),
        "waiver_days": terms.waiver_days,
        "incumbent_first": terms.incumbent_first,
        **without_empty(parts),
    }


def _match_data(match: MatchTest) -> dict[str, Any]:
    return without_empty(
        {
            "discount_per_year": percent_text(match.discount_bps_per_year) if match.discount_bps_per_year else None,
            "start_tolerance_days": match.start_tolerance_days or None,
            "equivalents": equivalents_data(match.equivalents),
        }
    )


def _material_change_data(change: MaterialChange) -> dict[str, Any]:
    return without_empty(
        {
            "rate_up_by": percent_text(change.rate_bps) if change.rate_bps else None,
            "chips_up_by": percent_text(change.chips_bps) if change.chips_bps else None,
            "start_days": change.start_days or None,
            "term_days": change.term_days or None,
        }
    )


def _exemption_data(exemption: Exemption) -> dict[str, Any]:
    workloads = [kind.value for kind in exemption.workload_kinds]
    return {"ground": exemption.ground.value} | without_empty({"workloads": workloads, "days": exemption.days or None})


class ConcentrationCapIn(ClauseShape):
    """The largest share that one provider, region or chip vendor may have; tested before an award."""

    kind: Literal["concentration_cap"]
    """Says which clause this is."""
    dimension: Annotated[Dimension, Strict(strict=False)]
    """Of what the shares are: of providers, regions or chip vendors."""
    measure: Annotated[Measure, Strict(strict=False)]
    """On which basis."""
    cap: BasisPoints
    """The largest share."""
    window_days: Days
    """Over how many days after an award the shares are counted."""
    of: Annotated[str, Field(max_length=127)] = ""
    """Which one is capped; whichever is largest when left out."""

    def to_terms(self, contract: Interval) -> ConcentrationCap:
        """The clause."""
        return ConcentrationCap(
            id=self.name,
            interval=self.interval(contract),
            dimension=self.dimension,
            measure=self.measure,
            cap_bps=self.cap,
            window_days=self.window_days,
            of=self.of,
            source=self.source,
        )


def concentration_cap_data(terms: ConcentrationCap) -> dict[str, Any]:
    """The way back."""
    return {
        "dimension": terms.dimension.value,
        "measure": terms.measure.value,
        "cap": percent_text(terms.cap_bps),
        "window_days": terms.window_days,
        **without_empty({"of": terms.of}),
    }


class MostFavouredIn(ClauseShape):
    """Terms for the like are compared: accelerators, a band of chips, awards of so many days back."""

    kind: Literal["most_favoured_customer"]
    """Says which clause this is."""
    favoured: Annotated[Favoured, Strict(strict=False)]
    """To whom terms as good as anyone's were promised."""
    accelerators: list[Accelerator] = Field(default=[], max_length=32)
    """What is alike; all when left out."""
    chips_min: Count
    """The smallest award that is compared."""
    chips_max: Count
    """The largest award that is compared."""
    look_back_days: Days
    """How far back awards are compared."""
    remedy: Annotated[FavouredRemedy, Strict(strict=False)]
    """What follows where terms elsewhere are better."""

    def to_terms(self, contract: Interval) -> MostFavoured:
        """The clause."""
        return MostFavoured(
            id=self.name,
            interval=self.interval(contract),
            favoured=self.favoured,
            accelerators=tuple(AcceleratorName(name) for name in self.accelerators),
            chips_min=self.chips_min,
            chips_max=self.chips_max,
            look_back_days=self.look_back_days,
            remedy=self.remedy,
            source=self.source,
        )


def most_favoured_data(terms: MostFavoured) -> dict[str, Any]:
    """The way back."""
    return {
        "favoured": terms.favoured.value,
        **without_empty({"accelerators": list(terms.accelerators)}),
        "chips_min": terms.chips_min,
        "chips_max": terms.chips_max,
        "look_back_days": terms.look_back_days,
        "remedy": terms.remedy.value,
    }


class SubstitutionIn(ClauseShape):
    """Other chips than were ordered, before delivery."""

    kind: Literal["substitution"]
    """Says which clause this is."""
    rule: Annotated[SubstitutionRule, Strict(strict=False)]
    """Never, equivalents with at least the same throughput, or any."""
    needs_consent: bool
    """Whether an agreed substitution must say who consented."""
    equivalents: list[EquivalentIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Which chips stand for which."""

    def to_terms(self, contract: Interval) -> Substitution:
        """The clause."""
        return Substitution(
            id=self.name,
            interval=self.interval(contract),
            rule=self.rule,
            needs_consent=self.needs_consent,
            equivalents=tuple(equivalent.to_fact() for equivalent in self.equivalents),
            source=self.source,
        )


def substitution_data(terms: Substitution) -> dict[str, Any]:
    """The way back."""
    return {
        "rule": terms.rule.value,
        "needs_consent": terms.needs_consent,
        **without_empty({"equivalents": equivalents_data(terms.equivalents)}),
    }
