"""The few facts of a journal that a first refusal turns on, as this verifier reads them from the records' JSON.

Written anew from the format, not shared with the program that writes it: fields that a record leaves out have the
values given here.
"""

from dataclasses import dataclass

from multihome_verify.fields import Fields

FIRST_REFUSAL = "right_of_first_refusal"
EXCLUSIVITY = "exclusivity"


@dataclass(frozen=True)
class Use:
    """What capacity is meant for; empty means anything."""

    kinds: tuple[str, ...]
    products: tuple[str, ...]

    def within(self, wide: "Use") -> bool:
        """Say whether everything that this use allows, another allows too."""
        return _all_in(self.kinds, wide.kinds) and _all_in(self.products, wide.products)


@dataclass(frozen=True)
class Scope:
    """What a clause covers; empty covers everything of that sort."""

    use: Use
    new_capacity_only: bool
    accelerators: tuple[str, ...]
    territories: tuple[str, ...]


@dataclass(frozen=True)
class Exemption:
    """An exception that a first refusal makes."""

    ground: str
    kinds: tuple[str, ...]
    days: int


@dataclass(frozen=True)
class Equivalence:
    """By agreement one chip does so much of the work of another, in basis points."""

    accelerator: str
    stands_for: str
    throughput_bps: int


@dataclass(frozen=True)
class Clause:
    """One version of a first refusal or an exclusivity. What only a first refusal has is 0 in an exclusivity."""

    kind: str
    contract_id: str
    id: str
    holder: str
    zone: str
    holidays: frozenset[str]
    starts_ms: int
    ends_ms: int
    scope: Scope
    days: int
    business: bool
    closes_minute: int
    waiver_days: int
    rate_bps: int
    chips_bps: int
    start_days: int
    term_days: int
    equivalents: tuple[Equivalence, ...]
    exemptions: tuple[Exemption, ...]

    @property
    def name(self) -> str:
        """The clause as people name it."""
        return f"{self.contract_id}/{self.id}"


@dataclass(frozen=True)
class Terms:
    """So many chips there, from and until when, at which rate."""

    accelerator: str
    region: str
    chips: int
    starts_ms: int
    ends_ms: int
    rate: int
    currency: str


@dataclass(frozen=True)
class Pool:
    """Where chips stand, and whose they are."""

    id: str
    provider: str
    region: str
    accelerator: str
    chips_per_node: int


@dataclass(frozen=True)
class Provider:
    """Who has chips."""

    id: str
    kind: str
    jurisdiction: str


@dataclass(frozen=True)
class Tranche:
    """A part of an order, and how it came to be awarded."""

    id: str
    contract_id: str
    provider: str
    currency: str
    pool_id: str
    nodes: int
    new_capacity: bool
    use: Use
    promised_ms: int
    ends_ms: int
    rate: int
    awarded_ms: int
    award_id: str
    waiver_ids: tuple[str, ...]
    exempt_by: str
    exempt_in_words: bool
    replaces: str


@dataclass(frozen=True)
class Contract:
    """An agreement: clauses of the two kinds that bind awards, and tranches."""

    id: str
    clauses: tuple[Clause, ...]
    tranches: tuple[Tranche, ...]


@dataclass(frozen=True)
class Waiver:
    """A waiver that a person recorded: what was left to others, and until when."""

    id: str
    clause: str
    served_ms: int
    answered_ms: int
    expires_ms: int
    answer: str
    accelerators: tuple[str, ...]
    chips: int
    rate: int


@dataclass(frozen=True)
class Notice:
    """What a holder was told."""

    id: str
    clause: str
    terms: Terms
    use: Use
    served_ms: int
    closes_ms: int
    sha256: str


@dataclass(frozen=True)
class Answer:
    """How a notice ended."""

    notice_id: str
    kind: str
    answered_ms: int
    terms: Terms


@dataclass(frozen=True)
class Claim:
    """What an award says it rests on, under one clause."""

    code: str
    clause: str
    notice_id: str
    waiver_id: str
    notice_sha256: str


@dataclass(frozen=True)
class Award:
    """The decision to take an offer."""

    id: str
    provider: str
    pool_id: str
    terms: Terms
    use: Use
    new_capacity: bool
    awarded_ms: int
    claims: tuple[Claim, ...]
    replaces: str


def read_pool(fields: Fields) -> Pool:
    """A pool's document."""
    return Pool(
        fields.text("id"),
        fields.text("provider_id"),
        fields.text("region"),
        fields.text("accelerator"),
        fields.whole("chips_per_node"),
    )


def read_provider(fields: Fields) -> Provider:
    """A provider's document."""
    return Provider(fields.text("id"), fields.text("kind"), fields.text("jurisdiction"))


def read_contract(fields: Fields) -> Contract:
    """A contract's document."""
    contract_id, provider = fields.text("id"), fields.text("provider_id")
    currency = fields.text("currency", "USD")
    calendar = fields.inner("calendar")

    def clause(inner: Fields) -> Clause | None:
        kind = inner.text("type")
        return _clause(inner, kind, contract_id, provider, calendar) if kind in {FIRST_REFUSAL, EXCLUSIVITY} else None

    def tranche(inner: Fields) -> Tranche:
        return _tranche(inner, contract_id, provider, currency)

    clauses = tuple(found for found in fields.each("clauses", clause) if found is not None)
    return Contract(contract_id, clauses, fields.each("tranches", tranche))


def read_waiver(fields: Fields) -> Waiver:
    """A waiver's document."""
    return Waiver(
        fields.text("id"),
        f"{fields.text('contract_id')}/{fields.text('clause_id')}",
        fields.instant("served_ms"),
        fields.instant("answered_ms"),
        fields.instant("expires_ms"),
        fields.text("answer"),
        fields.texts("accelerators"),
        fields.whole("chips"),
        fields.whole("rate_micro_usd_per_chip_hour"),
    )


def read_notice(fields: Fields) -> Notice:
    """A notice that was served."""
    return Notice(
        fields.text("id"),
        clause_name(fields.inner("clause")),
        _terms(fields.inner("terms")),
        _use(fields.inner("use")),
        fields.instant("served_ms"),
        fields.instant("closes_ms"),
        fields.text("sha256"),
    )


def read_answer(fields: Fields) -> Answer:
    """The end of a notice."""
    terms = _terms(fields.inner("terms"))
    return Answer(fields.text("notice_id"), fields.text("kind"), fields.instant("answered_ms"), terms)


def read_award(fields: Fields) -> Award:
    """An award that was made."""
    return Award(
        fields.text("id"),
        fields.text("provider_id"),
        fields.text("pool_id"),
        _terms(fields.inner("terms")),
        _use(fields.inner("use")),
        fields.flag("new_capacity", otherwise=False),
        fields.instant("awarded_ms"),
        fields.each("evidence", _claim),
        fields.text("replaces") if fields.has("replaces") else "",
    )


def _all_in(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and {*narrow} <= {*wide})


def clause_name(fields: Fields) -> str:
    """A reference to a clause, as people name it."""
    return f"{fields.text('contract_id')}/{fields.text('clause_id')}"


def _clause(fields: Fields, kind: str, contract_id: str, holder: str, calendar: Fields) -> Clause:
    interval, notice, change = fields.inner("interval"), fields.inner("notice"), fields.inner("material_change")
    first_refusal = kind == FIRST_REFUSAL
    return Clause(
        kind=kind,
        contract_id=contract_id,
        id=fields.text("id"),
        holder=holder,
        zone=calendar.text("zone", "UTC"),
        holidays=frozenset(calendar.texts("holidays")),
        starts_ms=interval.instant("start_ms"),
        ends_ms=interval.instant("end_ms"),
        scope=_scope(fields.inner("scope")),
        days=notice.whole("days") if first_refusal else 0,
        business=notice.text("count", "calendar") == "business",
        closes_minute=notice.whole("closes_minute", 1_440),
        waiver_days=fields.whole("waiver_days") if first_refusal else 0,
        rate_bps=change.whole("rate_bps", 0),
        chips_bps=change.whole("chips_bps", 0),
        start_days=change.whole("start_days", 0),
        term_days=change.whole("term_days", 0),
        equivalents=fields.inner("match").each("equivalents", _equivalence),
        exemptions=fields.each("exemptions", _exemption),
    )


def _scope(fields: Fields) -> Scope:
    return Scope(
        _use(fields),
        fields.flag("new_capacity_only", otherwise=False),
        fields.texts("accelerators"),
        fields.texts("territories"),
    )


def _use(fields: Fields) -> Use:
    return Use(fields.texts("workload_kinds"), fields.texts("products"))


def _equivalence(fields: Fields) -> Equivalence:
    return Equivalence(fields.text("accelerator"), fields.text("stands_for"), fields.whole("throughput_bps"))


def _exemption(fields: Fields) -> Exemption:
    return Exemption(fields.text("ground"), fields.texts("workload_kinds"), fields.whole("days", 0))


def _terms(fields: Fields) -> Terms:
    return Terms(
        fields.text("accelerator"),
        fields.text("region"),
        fields.whole("chips"),
        fields.instant("starts_ms"),
        fields.instant("ends_ms"),
        fields.whole("rate_micro_usd_per_chip_hour"),
        fields.text("currency", "USD"),
    )


def _claim(fields: Fields) -> Claim:
    clause = clause_name(fields.inner("clause")) if fields.has("clause") else ""
    waiver_id = fields.text("waiver_id") if fields.has("waiver_id") else ""
    notice_id = fields.text("notice_id") if fields.has("notice_id") else ""
    return Claim(fields.text("code"), clause, notice_id, waiver_id, fields.text("notice_sha256", ""))


def _tranche(fields: Fields, contract_id: str, provider: str, currency: str) -> Tranche:
    award = fields.inner("award")
    return Tranche(
        id=fields.text("id"),
        contract_id=contract_id,
        provider=provider,
        currency=currency,
        pool_id=fields.text("pool_id"),
        nodes=fields.whole("domains") * fields.whole("nodes_per_domain"),
        new_capacity=fields.flag("new_capacity", otherwise=False),
        use=_use(fields.inner("use")),
        promised_ms=fields.instant("promised_ms"),
        ends_ms=fields.instant("ends_ms"),
        rate=fields.whole("rate_micro_usd_per_chip_hour"),
        awarded_ms=award.instant("awarded_ms"),
        award_id=award.text("award_id") if award.has("award_id") else "",
        waiver_ids=award.texts("waiver_ids"),
        exempt_by=award.text("exempt_by") if award.has("exempt_by") else "",
        # Older programs took an exemption in words for granted; no clause makes such a one.
        exempt_in_words=bool(award.text("exemption", "")),
        replaces=award.text("replaces") if award.has("replaces") else "",
    )
