"""Terms of clauses as data, one record a kind. What they mean stands in `clauses`, one module a kind.

Shares are basis points (1/100 of a percent), money is micro-units of the contract's currency, instants are
milliseconds UTC. An empty tuple in a scope excludes nothing.
"""

from enum import StrEnum

import msgspec

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, ContractId
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import DayCount, Period
from multihome.units.time import Interval


class ClauseRef(msgspec.Struct, frozen=True):
    """Names a clause so that a person can find it."""

    contract_id: ContractId
    clause_id: str


class Use(Fact, frozen=True, kw_only=True):
    """What capacity is meant for; empty tuples mean anything."""

    workload_kinds: tuple[WorkloadKind, ...] = ()
    products: tuple[str, ...] = ()


class Scope(Fact, frozen=True, kw_only=True):
    """What a clause covers; an empty tuple covers everything of that sort.

    A territory is the name of a region or a jurisdiction.
    """

    workload_kinds: tuple[WorkloadKind, ...] = ()
    products: tuple[str, ...] = ()
    new_capacity_only: bool = False
    accelerators: tuple[AcceleratorName, ...] = ()
    territories: tuple[str, ...] = ()


class Window(Fact, frozen=True, kw_only=True):
    """So many days after the day of an act, in the contract's calendar, to a minute of the last one's local time.

    The day of the act is not counted. `closes_minute` is 1,440 for the end of the day, 1,020 for 17:00.
    """

    days: int
    count: DayCount = DayCount.CALENDAR
    closes_minute: int = 1_440


class Equivalence(Fact, frozen=True, kw_only=True):
    """By agreement one chip of `accelerator` does `throughput_bps` of the work of one chip of `stands_for`."""

    accelerator: AcceleratorName
    stands_for: AcceleratorName
    throughput_bps: int


# --- 1. Exclusivity ---


class Exclusivity(Fact, frozen=True, tag="exclusivity", kw_only=True):
    """In scope only the contract's provider may be used."""

    id: str
    interval: Interval
    scope: Scope
    source: str


# --- 2. Right of first refusal ---


class FirstRefusalMode(StrEnum):
    """What the holder is asked before an award goes elsewhere."""

    MATCH_OFFER = "match_offer"
    FIRST_OFFER = "first_offer"
    INSUFFICIENT_CAPACITY = "insufficient_capacity"


class MatchTest(Fact, frozen=True, kw_only=True):
    """When the holder's answer counts as a match.

    Net present value of rate × term, discounted monthly at `discount_bps_per_year`, no dearer than what was noticed; a
    start no later than noticed by more than `start_tolerance_days`; the accelerator noticed or an equivalent one.
    """

    discount_bps_per_year: int = 0
    start_tolerance_days: int = 0
    equivalents: tuple[Equivalence, ...] = ()


class MaterialChange(Fact, frozen=True, kw_only=True):
    """How far terms may move after a notice without a new one: rate and chips up, start and end apart.

    `rate_bps` and `chips_bps` count what is added to what was noticed.
    """

    rate_bps: int = 0
    chips_bps: int = 0
    start_days: int = 0
    term_days: int = 0


class ExemptionGround(StrEnum):
    """Why an award in scope needs no notice."""

    OWN_SITE = "own_site"
    """Capacity of the organisation's own, for the uses named."""
    PROVIDER_LOSS = "provider_loss"
    """Capacity that stands in for a provider declared lost, awarded within `days` of the declaration."""


class Exemption(Fact, frozen=True, kw_only=True):
    """An exception that a first refusal itself makes. Empty `workload_kinds` covers all uses."""

    ground: ExemptionGround
    workload_kinds: tuple[WorkloadKind, ...] = ()
    days: int = 0


class FirstRefusal(Fact, frozen=True, tag="right_of_first_refusal", kw_only=True):
    """Before new capacity in scope is awarded to anyone else, the contract's provider is asked.

    `incumbent_first` also makes placement of workloads in scope prefer the holder's capacity while it suffices.
    """

    id: str
    interval: Interval
    scope: Scope
    mode: FirstRefusalMode
    notice: Window
    waiver_days: int
    incumbent_first: bool
    match: MatchTest = MatchTest()
    material_change: MaterialChange = MaterialChange()
    exemptions: tuple[Exemption, ...] = ()
    source: str


# --- 3. Take-or-pay ---


class TakeOrPay(Fact, frozen=True, tag="take_or_pay", kw_only=True):
    """At least `share_bps` of what was contracted and delivered in each period is paid for, used or not.

    What was paid for and not taken may be made up in the `make_up_periods` that follow. What was taken beyond what was
    owed lowers what is owed in the next period, by at most `carry_forward_bps` of it. Counted for each tranche alone.
    """

    id: str
    interval: Interval
    share_bps: int
    period: Period = Period.MONTH
    make_up_periods: int = 0
    carry_forward_bps: int = 0
    source: str


# --- 4. Minimum commitment ---


class AmountStep(Fact, frozen=True, kw_only=True):
    """From an instant on, so much money a period."""

    from_ms: int
    amount_micro_usd: int


class MinimumCommitment(Fact, frozen=True, tag="minimum_commitment", kw_only=True):
    """At least so much is spent under the contract in each period; what is short is charged at its end."""

    id: str
    interval: Interval
    period: Period
    steps: tuple[AmountStep, ...]
    source: str


# --- 5. Ramp ---


class ChipStep(Fact, frozen=True, kw_only=True):
    """From an instant on, so many chips are contracted."""

    from_ms: int
    chips: int


class Ramp(Fact, frozen=True, tag="ramp", kw_only=True):
    """How many chips of a tranche are contracted, as steps over time that never go down."""

    id: str
    interval: Interval
    tranche: str
    """The tranche's name within the contract."""
    steps: tuple[ChipStep, ...]
    source: str


# --- 6. Prepayment ---


class Prepayment(Fact, frozen=True, tag="prepayment", kw_only=True):
    """Money paid ahead: `draw_bps` of every charge is drawn from it, oldest first, while it lasts.

    When the contract is terminated, `refund_bps` of what is left comes back.
    """

    id: str
    interval: Interval
    amount_micro_usd: int
    paid_ms: int
    draw_bps: int
    refund_bps: int
    source: str


# --- 7. Price tiers ---


class TierMode(StrEnum):
    """Whether a tier's rate holds for what lies within it, or for everything once it is reached."""

    GRADUATED = "graduated"
    ALL_UNITS = "all_units"


class Tier(Fact, frozen=True, kw_only=True):
    """From so many chip-hours in a period on, this rate."""

    from_chip_hours: int
    rate_micro_usd_per_chip_hour: int


class IndexStep(Fact, frozen=True, kw_only=True):
    """From an instant on the index stands at so many basis points of its value at signature."""

    from_ms: int
    factor_bps: int


class PriceTiers(Fact, frozen=True, tag="price_tiers", kw_only=True):
    """Rates by volume in a period, for the tranches named (all when none is), moved by a dated index if any."""

    id: str
    interval: Interval
    period: Period
    mode: TierMode
    tiers: tuple[Tier, ...]
    tranches: tuple[str, ...] = ()
    index: tuple[IndexStep, ...] = ()
    source: str


# --- 8. Delay remedy ---


class DelayRemedy(Fact, frozen=True, tag="delay_remedy", kw_only=True):
    """After the grace the provider owes a discount per day late, up to a cap; dates shift with the delivery.

    The discount is a share of the late capacity's fee for thirty days. `shifts_end` moves the tranche's end by the days
    that it was late. 0 days in a right to end means that there is none.
    """

    id: str
    interval: Interval
    grace_days: int
    discount_bps_per_day: int
    cap_bps: int
    shifts_end: bool = False
    end_tranche_after_days: int = 0
    end_order_after_days: int = 0
    source: str


# --- 9. Termination ---


class FeeStep(Fact, frozen=True, kw_only=True):
    """From an instant on, ending for convenience costs this share of what is still to be paid."""

    from_ms: int
    share_bps: int


class Termination(Fact, frozen=True, tag="termination", kw_only=True):
    """How the contract may be ended: for the causes named after a cure period, or for convenience at a fee."""

    id: str
    interval: Interval
    notice: Window
    causes: tuple[str, ...] = ()
    cure_days: int = 0
    fees: tuple[FeeStep, ...] = ()
    source: str


# --- 10. Renewal ---


class RenewalMode(StrEnum):
    """What happens at the contract's end if nobody says anything."""

    AUTOMATIC = "automatic"
    ON_NOTICE = "on_notice"


class Renewal(Fact, frozen=True, tag="renewal", kw_only=True):
    """Whether the contract goes on after its end, for how long, and by when one must say otherwise."""

    id: str
    interval: Interval
    mode: RenewalMode
    notice: Window
    term_days: int
    rate_factor_bps: int = 10_000
    source: str


# --- 11. Concentration cap ---


class Dimension(StrEnum):
    """What is compared."""

    PROVIDER = "provider"
    REGION = "region"
    VENDOR = "vendor"


class Measure(StrEnum):
    """On which basis: chips ordered, their power, or what they cost."""

    SPEND = "spend"
    CHIPS = "chips"
    POWER = "power"


class ConcentrationCap(Fact, frozen=True, tag="concentration_cap", kw_only=True):
    """The largest share that one provider, region or chip vendor may have in the `window_days` after an award.

    `of` names the one that is capped; empty for whichever is largest.
    """

    id: str
    interval: Interval
    dimension: Dimension
    measure: Measure
    cap_bps: int
    window_days: int
    of: str = ""
    source: str


# --- 12. Most favoured customer ---


class Favoured(StrEnum):
    """Who was promised terms as good as anyone's."""

    BUYER = "buyer"
    """We pay this provider no more than it asks of us, or of others as far as is recorded, for the like."""
    PROVIDER = "provider"
    """This provider is paid no less than we pay others for the like."""


class FavouredRemedy(StrEnum):
    """What follows from better terms elsewhere."""

    MATCH_RATE = "match_rate"
    REFUND = "refund"
    TERMINATE = "terminate"


class MostFavoured(Fact, frozen=True, tag="most_favoured_customer", kw_only=True):
    """Terms for the like are compared: accelerators, a band of chips, awards of so many days back."""

    id: str
    interval: Interval
    favoured: Favoured
    accelerators: tuple[AcceleratorName, ...]
    chips_min: int
    chips_max: int
    look_back_days: int
    remedy: FavouredRemedy
    source: str


# --- 13. Substitution ---


class SubstitutionRule(StrEnum):
    """Whether other chips may be delivered than were ordered."""

    NEVER = "never"
    LIKE_FOR_LIKE = "like_for_like"
    ANY = "any"


class Substitution(Fact, frozen=True, tag="substitution", kw_only=True):
    """Other chips than ordered, before delivery: never, equivalents with at least the same throughput, or any."""

    id: str
    interval: Interval
    rule: SubstitutionRule
    needs_consent: bool
    equivalents: tuple[Equivalence, ...] = ()
    source: str


# --- 14. Equity or warrants ---


class Milestone(Fact, frozen=True, kw_only=True):
    """Worth so much once so many chips of the contract were accepted."""

    chips_accepted: int
    value_micro_usd: int


class Equity(Fact, frozen=True, tag="equity", kw_only=True):
    """Shares or warrants that vest by milestones. They enter the effective price, and nothing else."""

    id: str
    interval: Interval
    milestones: tuple[Milestone, ...]
    source: str


ClauseTerms = (
    Exclusivity
    | FirstRefusal
    | TakeOrPay
    | MinimumCommitment
    | Ramp
    | Prepayment
    | PriceTiers
    | DelayRemedy
    | Termination
    | Renewal
    | ConcentrationCap
    | MostFavoured
    | Substitution
    | Equity
)
