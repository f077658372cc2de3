"""Clauses as Hypothesis draws them: every kind, with all its parameters; and the small things facts are made of."""

from typing import Any

from hypothesis import strategies as st

from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ConcentrationCap,
    DelayRemedy,
    Dimension,
    Equity,
    Equivalence,
    Exclusivity,
    Exemption,
    ExemptionGround,
    Favoured,
    FavouredRemedy,
    FeeStep,
    FirstRefusal,
    FirstRefusalMode,
    IndexStep,
    MatchTest,
    MaterialChange,
    Measure,
    Milestone,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    Scope,
    Substitution,
    SubstitutionRule,
    TakeOrPay,
    Termination,
    Tier,
    TierMode,
    Use,
    Window,
)
from multihome.domain.ids import AcceleratorName
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import DayCount, Period
from multihome.units.time import FOREVER_MS, Interval
from multihome.wire.documents_clauses_money import PERIODS_MAX
from multihome.wire.fields import CHIP_HOURS_MAX, DURATION_MS_MAX, FACTOR_BPS_MAX

NAMES = tuple(map(AcceleratorName, ("H100-SXM-80GB", "A100-SXM-80GB", "TPU-v5p", "Own-Chip-1")))
KNOWN = frozenset(NAMES)

# Ids of every type are drawn from these.
names: st.SearchStrategy[Any] = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
scoped: st.SearchStrategy[Any] = st.builds("{}/{}".format, names, names)
tenants: st.SearchStrategy[Any] = st.lists(names, min_size=1, max_size=4).map("/".join)
# Every character that a YAML file can carry, line ends apart from the usual one.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t"), max_size=40)
filled = texts.filter(bool)
instants = st.integers(-2_208_988_800_000, FOREVER_MS)
durations = st.integers(0, DURATION_MS_MAX)
money = st.integers(0, 10**15)
counts = st.integers(1, 1_000_000)
shares = st.integers(0, 10_000)
days = st.integers(0, 3_660)
accelerators = st.lists(st.sampled_from(NAMES), unique=True, max_size=4).map(tuple)


def intervals() -> st.SearchStrategy[Interval]:
    pairs = st.tuples(instants, instants).filter(lambda pair: pair[0] != pair[1])
    return pairs.map(lambda pair: Interval(min(pair), max(pair)))


def some(strategy: st.SearchStrategy[object], most: int = 4) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


kinds = st.lists(st.sampled_from(WorkloadKind), unique=True).map(tuple)
words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
uses = st.builds(Use, workload_kinds=kinds, products=some(names))
factors = st.integers(0, FACTOR_BPS_MAX)
scopes = st.builds(
    Scope,
    workload_kinds=kinds,
    products=some(names),
    new_capacity_only=st.booleans(),
    accelerators=accelerators,
    territories=some(words),
)
windows = st.builds(Window, days=days, count=st.sampled_from(DayCount), closes_minute=st.integers(1, 1_440))
equivalents = some(
    st.builds(
        Equivalence, accelerator=st.sampled_from(NAMES), stands_for=st.sampled_from(NAMES), throughput_bps=factors
    )
)
matches = st.builds(MatchTest, discount_bps_per_year=shares, start_tolerance_days=days, equivalents=equivalents)
changes = st.builds(MaterialChange, rate_bps=shares, chips_bps=shares, start_days=days, term_days=days)
exemptions = st.builds(Exemption, ground=st.sampled_from(ExemptionGround), workload_kinds=kinds, days=days)
zero_or_count = st.integers(0, 1_000_000)
clause = {"id": names, "interval": intervals(), "source": texts}


def steps(step: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.builds(step, **fields), min_size=1, max_size=4).map(tuple)


CLAUSES: dict[type, st.SearchStrategy[Any]] = {
    Exclusivity: st.builds(Exclusivity, scope=scopes, **clause),
    FirstRefusal: st.builds(
        FirstRefusal,
        scope=scopes,
        mode=st.sampled_from(FirstRefusalMode),
        notice=windows,
        waiver_days=days,
        incumbent_first=st.booleans(),
        match=matches,
        material_change=changes,
        exemptions=some(exemptions),
        **clause,
    ),
    TakeOrPay: st.builds(
        TakeOrPay,
        share_bps=shares,
        period=st.sampled_from(Period),
        make_up_periods=st.integers(0, PERIODS_MAX),
        carry_forward_bps=shares,
        **clause,
    ),
    MinimumCommitment: st.builds(
        MinimumCommitment,
        period=st.sampled_from(Period),
        steps=steps(AmountStep, from_ms=instants, amount_micro_usd=money),
        **clause,
    ),
    Ramp: st.builds(Ramp, tranche=names, steps=steps(ChipStep, from_ms=instants, chips=zero_or_count), **clause),
    Prepayment: st.builds(
        Prepayment, amount_micro_usd=money, paid_ms=instants, draw_bps=shares, refund_bps=shares, **clause
    ),
    PriceTiers: st.builds(
        PriceTiers,
        period=st.sampled_from(Period),
        mode=st.sampled_from(TierMode),
        tiers=steps(Tier, from_chip_hours=st.integers(0, CHIP_HOURS_MAX), rate_micro_usd_per_chip_hour=money),
        tranches=some(names),
        index=some(st.builds(IndexStep, from_ms=instants, factor_bps=factors)),
        **clause,
    ),
    DelayRemedy: st.builds(
        DelayRemedy,
        grace_days=days,
        discount_bps_per_day=shares,
        cap_bps=shares,
        shifts_end=st.booleans(),
        end_tranche_after_days=days,
        end_order_after_days=days,
        **clause,
    ),
    Termination: st.builds(
        Termination,
        notice=windows,
        causes=some(words),
        cure_days=days,
        fees=some(st.builds(FeeStep, from_ms=instants, share_bps=shares)),
        **clause,
    ),
    Renewal: st.builds(
        Renewal, mode=st.sampled_from(RenewalMode), notice=windows, term_days=days, rate_factor_bps=factors, **clause
    ),
    ConcentrationCap: st.builds(
        ConcentrationCap,
        dimension=st.sampled_from(Dimension),
        measure=st.sampled_from(Measure),
        cap_bps=shares,
        window_days=days,
        of=names | st.just(""),
        **clause,
    ),
    MostFavoured: st.builds(
        MostFavoured,
        favoured=st.sampled_from(Favoured),
        accelerators=accelerators,
        chips_min=counts,
        chips_max=counts,
        look_back_days=days,
        remedy=st.sampled_from(FavouredRemedy),
        **clause,
    ),
    Substitution: st.builds(
        Substitution,
        rule=st.sampled_from(SubstitutionRule),
        needs_consent=st.booleans(),
        equivalents=equivalents,
        **clause,
    ),
    Equity: st.builds(
        Equity, milestones=steps(Milestone, chips_accepted=zero_or_count, value_micro_usd=money), **clause
    ),
}
clauses = st.one_of(*CLAUSES.values())
