"""A small world of contracts for first-refusal histories, and the pen that writes them as a chained journal.

Made by chance and by the format of records alone: no decider of the control plane takes part, so that the verifier is
held against something else than the program whose journals it is there to check.
"""

import msgspec

from multihome.domain.clause_terms import (
    ClauseTerms,
    Exclusivity,
    Exemption,
    ExemptionGround,
    FirstRefusal,
    FirstRefusalMode,
    MaterialChange,
    Scope,
    Use,
    Window,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import DocumentRecorded, Event, Installed
from multihome.domain.ids import AcceleratorName, ContractId, PoolId, ProviderId
from multihome.domain.supply import Pool, Provider, ProviderKind
from multihome.domain.workloads import WorkloadKind
from multihome.ports.journal import GENESIS_HASH, JournalRow, chain_hash
from multihome.runtime.records import ENCODER, Record
from multihome.simulator.dice import Dice
from multihome.units.calendar import Calendar, DayCount, local_date
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval, Now, parse_instant

START_MS = parse_instant("2025-01-06")
ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
)
MINUTES = (1_440, 1_020, 720, 90, 150, 0)
"""When windows close: among them minutes that the clocks of some zones leap over, or show twice, once a year."""
CHIPS_PER_NODE = 8
HOLDER, OTHER_HOLDER, OWN = ProviderId("alpha"), ProviderId("beta"), ProviderId("home")
THIRDS = (ProviderId("gamma"), ProviderId("delta"))
HOLDER_CONTRACT = ContractId("alpha-1")
CLAUSE = "first-refusal"
ACCELERATORS = (AcceleratorName("H100-SXM-80GB"), AcceleratorName("B200-SXM-180GB"))
JURISDICTIONS = {HOLDER: "US", OTHER_HOLDER: "US", OWN: "US", THIRDS[0]: "US", THIRDS[1]: "EU"}
PRODUCTS = ("research", "api")


class World(msgspec.Struct, frozen=True):
    """The stage of one history: the clause that is tested, its calendar, and an exclusivity if there is one."""

    terms: FirstRefusal
    calendar: Calendar
    exclusive: Exclusivity | None


class Pen(msgspec.Struct):
    """Writes records one after the other. `now_ms` is contract time; it only goes forward."""

    now_ms: int
    rows: list[JournalRow] = msgspec.field(default_factory=list[JournalRow])

    def write(self, *events: Event) -> None:
        """Write one record at the time it is now."""
        seq = len(self.rows) + 1
        previous = self.rows[-1].hash if self.rows else GENESIS_HASH
        at = Now(self.now_ms, seq * 1_000)
        body = ENCODER.encode(Record(at=at, wall_ms=self.now_ms, cause="Tick", events=events))
        self.rows.append(JournalRow(seq, body, chain_hash(previous, body)))

    def until(self, at_ms: int) -> None:
        """Let time pass until an instant; it never goes back."""
        self.now_ms = max(self.now_ms, at_ms)


def make_world(dice: Dice) -> World:
    """A clause with a random window, calendar, scope, tolerances and exemptions."""
    holidays = tuple(_iso(START_MS + dice.between(0, 400) * MS_PER_DAY) for _ in range(dice.between(0, 12)))
    terms = FirstRefusal(
        id=CLAUSE,
        interval=Interval(START_MS - 40 * MS_PER_DAY, START_MS + 4_000 * MS_PER_DAY),
        scope=_scope(dice),
        mode=dice.pick(tuple(FirstRefusalMode)),
        notice=Window(days=dice.between(1, 20), count=dice.pick(tuple(DayCount)), closes_minute=dice.pick(MINUTES)),
        waiver_days=dice.between(5, 200),
        incumbent_first=dice.chance(500),
        material_change=MaterialChange(
            rate_bps=dice.pick((0, 0, 250, 1_000)),
            chips_bps=dice.pick((0, 0, 500)),
            start_days=dice.pick((0, 7, 30)),
            term_days=dice.pick((0, 14)),
        ),
        exemptions=(
            Exemption(ground=ExemptionGround.OWN_SITE, workload_kinds=dice.pick(((), (WorkloadKind.TRAINING,)))),
            Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=dice.between(5, 60)),
        )[: dice.between(0, 2)],
        source="made by chance",
    )
    return World(terms, Calendar(dice.pick(ZONES), holidays), _exclusivity() if dice.chance(300) else None)


def with_exclusivity(world: World) -> World:
    """The same world, in which some new capacity is the holder's alone."""
    return msgspec.structs.replace(world, exclusive=_exclusivity())


def open_journal(world: World, dice: Dice) -> Pen:
    """A journal that knows everybody and every pool, and the contracts of those who hold rights."""
    pen = Pen(START_MS + dice.between(0, 30 * 24) * MS_PER_HOUR + dice.between(0, 3_599_999))
    pen.write(Installed(installation_id="made"))
    places = [DocumentRecorded(document=found) for found in (*providers(), *pools())]
    rights = [DocumentRecorded(document=contract_of(HOLDER, holder_clauses(world), (), world.calendar))]
    if dice.chance(300):
        # A right of somebody else, which nobody here keeps: it is no business of the contract that is verified.
        other = contract_of(OTHER_HOLDER, [world.terms], (), world.calendar)
        rights.append(DocumentRecorded(document=other))
    pen.write(*dice.shuffled(places), *dice.shuffled(rights))
    return pen


def holder_clauses(world: World) -> list[ClauseTerms]:
    """The clauses of the contract that is verified."""
    return [world.terms] if world.exclusive is None else [world.exclusive, world.terms]


def contract_of(
    provider: ProviderId, clauses: list[ClauseTerms], tranches: tuple[Tranche, ...], calendar: Calendar
) -> Contract:
    """A provider's one contract."""
    return Contract(
        id=ContractId(f"{provider}-1"),
        title=f"contract with {provider}",
        provider_id=provider,
        interval=Interval(START_MS - 1_000 * MS_PER_DAY, START_MS + 9_000 * MS_PER_DAY),
        calendar=calendar,
        clauses=tuple(clauses),
        tranches=tranches,
        source="made by chance",
    )


def providers() -> list[Provider]:
    """Two holders of rights, two others, and the organisation itself."""
    return [
        Provider(
            id=provider,
            title=provider,
            kind=ProviderKind.OWN if provider == OWN else ProviderKind.NEOCLOUD,
            jurisdiction=jurisdiction,
            engine="local",
            absence_delay_ms=1_000,
        )
        for provider, jurisdiction in JURISDICTIONS.items()
    ]


def pools() -> list[Pool]:
    """A pool of each accelerator at each provider."""
    return [
        Pool(
            id=pool_id(provider, accelerator),
            provider_id=provider,
            region=region_of(provider),
            accelerator=accelerator,
            chips_per_node=CHIPS_PER_NODE,
            watts_per_chip=1_000,
        )
        for provider in JURISDICTIONS
        for accelerator in ACCELERATORS
    ]


def pool_id(provider: ProviderId, accelerator: AcceleratorName) -> PoolId:
    """The pool of an accelerator at a provider."""
    return PoolId(f"{provider}/{accelerator.lower()}")


def region_of(provider: ProviderId) -> str:
    """Every provider has one region."""
    return f"{provider}-region"


def _scope(dice: Dice) -> Scope:
    return Scope(
        workload_kinds=dice.pick(((), (WorkloadKind.TRAINING,))),
        products=dice.pick(((), (PRODUCTS[0],))),
        new_capacity_only=dice.chance(700),
        accelerators=dice.pick(((), ACCELERATORS, ACCELERATORS[:1])),
        territories=dice.pick(((), ("US", "EU"), ("US",), tuple(region_of(provider) for provider in (*THIRDS, OWN)))),
    )


def _exclusivity() -> Exclusivity:
    """New capacity of the second accelerator for inference of an API is the holder's alone."""
    return Exclusivity(
        id="exclusive",
        interval=Interval(START_MS - 40 * MS_PER_DAY, START_MS + 4_000 * MS_PER_DAY),
        scope=Scope(
            workload_kinds=(WorkloadKind.INFERENCE,),
            products=(PRODUCTS[1],),
            new_capacity_only=True,
            accelerators=ACCELERATORS[1:],
        ),
        source="made by chance",
    )


def in_scope_use(world: World, dice: Dice) -> Use:
    """A use that the clause covers and the exclusivity does not; sometimes one that says nothing."""
    if world.exclusive is None and dice.chance(300):
        return Use()
    return Use(workload_kinds=(WorkloadKind.TRAINING,), products=(PRODUCTS[0],))


def _iso(at_ms: int) -> str:
    return local_date(at_ms, "UTC").isoformat()
