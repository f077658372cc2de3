"""Names that documents use against names that are known: in the same files, or applied before.

Pure: takes names and data, returns problems. Whether a gang fits or an award was permitted is not asked here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import msgspec

from multihome.domain.accelerators import AcceleratorType
from multihome.domain.commands import Document
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.procurement import Need, Offer
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Tenant, parent_of
from multihome.domain.workloads import WorkloadSpec
from multihome.wire.documents import WORKLOAD_KIND, documents_data
from multihome.wire.fields import closest
from multihome.wire.shape_problems import Path, ShapeProblem, Spot, field_text, path_in

NAMES_SHOWN_MAX = 12

_Reference = tuple[Path, str, str, frozenset[str]]


class KnownNames(msgspec.Struct, frozen=True):
    """Names that a document may refer to. `clauses` and `tranches` are `contract/name`, `pools` are `provider/name`."""

    accelerators: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    clauses: frozenset[str] = frozenset()
    tranches: frozenset[str] = frozenset()
    waivers: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    workloads: frozenset[str] = frozenset()

    def __or__(self, other: "KnownNames") -> "KnownNames":
        """All names of both."""
        return KnownNames(**{name: getattr(self, name) | getattr(other, name) for name in self.__struct_fields__})


# Which names a document defines: its own, and those in its lists, which carry its name before them.
_DEFINES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "accelerator": ("accelerators", ()),
    "provider": ("providers", (("pools", "pools"),)),
    "contract": ("contracts", (("clauses", "clauses"), ("tranches", "tranches"))),
    "waiver": ("waivers", ()),
    "need": ("needs", ()),
    "tenant": ("tenants", ()),
    WORKLOAD_KIND: ("workloads", ()),
    "task": ("workloads", ()),
}


def names_in(documents: Iterable[object]) -> KnownNames:
    """The names that documents define, read from plain data; from a document that is otherwise wrong too.

    So one mistake in a contract does not make every reference to it another.
    """
    names: dict[str, set[str]] = {name: set() for name in KnownNames.__struct_fields__}
    for data in documents:
        kind, name = kind_and_name(data)
        own, lists = _DEFINES.get(kind, ("", ()))
        if not own or not name:
            continue
        names[own].add(name)
        for field, collection in lists:
            names[collection].update(f"{name}/{inner}" for _, inner in _entry_names(data, field))
        for amendment in _entries(data, "amendments"):
            names["clauses"].update(f"{name}/{inner}" for _, inner in _entry_names(amendment, "clauses"))
    return KnownNames(**{name: frozenset(values) for name, values in names.items()})


def names_of(facts: Iterable[Document | WorkloadSpec]) -> KnownNames:
    """The names that facts define; pools count with their provider, which must be among the facts."""
    return names_in(documents_data(facts))


def kind_and_name(data: object) -> tuple[str, str]:
    """A document's kind and name, as far as it says them."""
    if not isinstance(data, Mapping):
        return "", ""
    document = cast("Mapping[str, object]", data)
    kind, name = document.get("kind", WORKLOAD_KIND), document.get("name")
    return kind if isinstance(kind, str) else "", name if isinstance(name, str) else ""


def repeated_names(data: object) -> Iterator[ShapeProblem]:
    """Entries of one list that have the same name. Clauses may: they are amended by date under one name."""
    for field in ("pools", "tranches", "quotas", "amendments"):
        seen: set[str] = set()
        for index, name in _entry_names(data, field):
            path = (field, index, "name")
            if name in seen:
                wrong = f"{name!r} stands in this list before"
                yield ShapeProblem(path, Spot.VALUE, field_text(path), wrong, repr(name))
            seen.add(name)


def _entries(data: object, field: str) -> list[object]:
    entries = cast("Mapping[str, object]", data).get(field) if isinstance(data, Mapping) else None
    return cast("list[object]", entries) if isinstance(entries, list) else []


def _entry_names(data: object, field: str) -> Iterator[tuple[int, str]]:
    for index, entry in enumerate(_entries(data, field)):
        _, name = kind_and_name(entry)
        if name:
            yield index, name


def unknown_references(fact: Document | WorkloadSpec, known: KnownNames, data: object) -> tuple[ShapeProblem, ...]:
    """What the fact names and nobody knows; `data` is the document it was read from."""
    found: list[ShapeProblem] = []
    for path, word, name, names in _references(fact, known, data):
        if name in names:
            continue
        suggestion = closest(name, sorted(names)) or _listed(names)
        wrong = f"no {word} is known as {name!r}"
        found.append(ShapeProblem(path, Spot.VALUE, field_text(path), wrong, repr(name), f"a {word}", suggestion))
    return (*found, *_misplaced_pools(fact, known))


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)[:NAMES_SHOWN_MAX]
    more = ", ..." if len(names) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}" if shown else "none is known"


def _references(fact: Document | WorkloadSpec, known: KnownNames, data: object) -> Iterator[_Reference]:
    """Where a name is used, what it must name, the name, and the names there are."""
    match fact:
        case Contract():
            yield from _contract_references(fact, known, data)
        case Waiver():
            yield from _waiver_references(fact, known)
        case Delivery():
            yield ("tranche",), "tranche", fact.tranche_id, known.tranches
        case Tenant():
            parent = parent_of(fact.id)
            if parent is not None:
                yield ("name",), "tenant", parent, known.tenants
        case WorkloadSpec():
            yield from _workload_references(fact, known, data)
        case Offer():
            yield from _offer_references(fact, known)
        case Suspension():
            yield from _suspension_references(fact, known)
        case AcceleratorType() | Provider() | Pool() | Need():
            pass


def _contract_references(fact: Contract, known: KnownNames, data: object) -> Iterator[_Reference]:
    yield ("provider",), "provider", fact.provider_id, known.providers
    for index, tranche in enumerate(fact.tranches):
        yield ("tranches", index, "pool"), "pool", tranche.pool_id, known.pools
        award: Path = ("tranches", index, "award")
        one = path_in(data, (*award, "waiver")) == (*award, "waiver")
        for place, waiver_id in enumerate(tranche.award.waiver_ids):
            in_list: Path = ("waivers", place - one)
            yield (*award, "waiver") if one and place == 0 else (*award, *in_list), "waiver", waiver_id, known.waivers
    for place, terms in _clauses_in(data):
        yield from _clause_references(place, terms, fact.id, known)


def _clauses_in(data: object) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """Clauses as the document has them, also those within amendments: the facts do not tell where each stood."""
    places: list[tuple[Path, object]] = [((), data)]
    places += [(("amendments", index), amendment) for index, amendment in enumerate(_entries(data, "amendments"))]
    for path, holder in places:
        for index, clause in enumerate(_entries(holder, "clauses")):
            if isinstance(clause, Mapping):
                yield (*path, "clauses", index), cast("Mapping[str, object]", clause)


def _clause_references(
    path: Path, clause: Mapping[str, object], contract_id: str, known: KnownNames
) -> Iterator[_Reference]:
    """Tranches that a ramp or price tiers name, and the provider that a cap names."""
    tranche = clause.get("tranche")
    if isinstance(tranche, str):
        yield _tranche_within((*path, "tranche"), contract_id, f"{contract_id}/{tranche}", known)
    for index, name in enumerate(_entries(clause, "tranches")):
        yield _tranche_within((*path, "tranches", index), contract_id, f"{contract_id}/{name}", known)
    of = clause.get("of")
    if isinstance(of, str) and of and clause.get("dimension") == "provider":
        yield (*path, "of"), "provider", of, known.providers


def _tranche_within(path: Path, contract_id: str, tranche_id: str, known: KnownNames) -> _Reference:
    """A tranche that a document calls by its name within the contract."""
    prefix = f"{contract_id}/"
    names = frozenset(name.removeprefix(prefix) for name in known.tranches if name.startswith(prefix))
    return path, f"tranche of {contract_id}", tranche_id.removeprefix(prefix), names


def _offer_references(fact: Offer, known: KnownNames) -> Iterator[_Reference]:
    yield ("provider",), "provider", fact.provider_id, known.providers
    yield ("pool",), "pool", fact.pool_id, known.pools
    if fact.need_id is not None:
        yield ("need",), "need", fact.need_id, known.needs


def _suspension_references(fact: Suspension, known: KnownNames) -> Iterator[_Reference]:
    yield ("contract",), "contract", fact.contract_id, known.contracts
    if fact.contract_id in known.contracts:
        for index, tranche_id in enumerate(fact.tranche_ids):
            yield _tranche_within(("tranches", index), fact.contract_id, tranche_id, known)


def _waiver_references(fact: Waiver, known: KnownNames) -> Iterator[_Reference]:
    yield ("contract",), "contract", fact.contract_id, known.contracts
    if fact.contract_id in known.contracts:
        prefix = f"{fact.contract_id}/"
        clauses = frozenset(name.removeprefix(prefix) for name in known.clauses if name.startswith(prefix))
        yield ("clause",), f"clause of {fact.contract_id}", fact.clause_id, clauses


def _workload_references(spec: WorkloadSpec, known: KnownNames, data: object) -> Iterator[_Reference]:
    yield ("tenant",), "tenant", spec.tenant_id, known.tenants
    if spec.infra.provider:
        # SkyPilot's older spelling says it in `cloud`.
        older = ("resources", "cloud")
        yield (
            older if path_in(data, older) == older else ("resources", "infra"),
            "provider",
            spec.infra.provider,
            known.providers,
        )
    if spec.model_from:
        yield ("model_from",), "workload", spec.model_from, known.workloads


def _misplaced_pools(fact: Document | WorkloadSpec, known: KnownNames) -> Iterator[ShapeProblem]:
    pools: list[tuple[Path, str]] = []
    if isinstance(fact, Contract):
        pools = [(("tranches", index, "pool"), tranche.pool_id) for index, tranche in enumerate(fact.tranches)]
        whose = f"the contract is with {fact.provider_id}"
    elif isinstance(fact, Offer):
        pools = [(("pool",), fact.pool_id)]
        whose = f"the offer is {fact.provider_id}'s"
    else:
        return
    for path, pool_id in pools:
        owner = pool_id.partition("/")[0]
        if pool_id in known.pools and fact.provider_id in known.providers and owner != fact.provider_id:
            wrong = f"pool {pool_id!r} is {owner}'s, and {whose}"
            yield ShapeProblem(path, Spot.VALUE, field_text(path), wrong, repr(pool_id))
