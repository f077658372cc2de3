"""Names that documents use against names that are known: in the same files, or applied before.

Pure: takes names and plain data, returns problems; a document that is wrong in shape is read as far as it goes.
Accelerators are not looked at here, since their spellings are resolved where shapes are read. Whether a gang fits or an
award was permitted is not asked here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import msgspec

from multihome.domain.commands import Document
from multihome.domain.ids import TenantId
from multihome.domain.tenants import parent_of
from multihome.domain.workloads import WorkloadSpec
from multihome.wire.documents import WORKLOAD_KIND, documents_data
from multihome.wire.fields import shown
from multihome.wire.shape_problems import Path, ShapeProblem, Spot, closest, field_text

NAMES_SHOWN_MAX = 12


class _Reference(msgspec.Struct, frozen=True):
    """Where a name is used, what it must name, the name, and the names there are; `hints` are worth suggesting."""

    path: Path
    word: str
    name: str
    names: frozenset[str]
    hints: frozenset[str]


class KnownNames(msgspec.Struct, frozen=True):
    """Names that a document may refer to. `clauses` and `tranches` are `contract/name`, `pools` are `provider/name`.

    `aliases` are other names of providers, which only workloads may use.
    """

    accelerators: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
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
        if kind == "provider":
            names["aliases"].update(alias for alias in _entries(data, "aliases") if isinstance(alias, str))
        for field, collection in lists:
            names[collection].update(f"{name}/{inner}" for _, inner in entry_names(data, field))
        for amendment in _entries(data, "amendments"):
            names["clauses"].update(f"{name}/{inner}" for _, inner in entry_names(amendment, "clauses"))
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
        for index, name in entry_names(data, field):
            path = (field, index, "name")
            if name in seen:
                wrong = f"{name!r} stands in this list before"
                yield ShapeProblem(path, Spot.VALUE, field_text(path), wrong, repr(name))
            seen.add(name)


def entry_names(data: object, field: str) -> Iterator[tuple[int, str]]:
    """The named entries of one of a document's lists, each with its number."""
    for index, entry in enumerate(_entries(data, field)):
        name = _text(entry, "name")
        if name:
            yield index, name


def reference_problems(data: object, known: KnownNames) -> tuple[ShapeProblem, ...]:
    """What a document names and nobody knows, and pools of a contract that are another provider's."""
    kind, _ = kind_and_name(data)
    found: list[ShapeProblem] = []
    for reference in _REFERENCES.get(kind, _nothing)(data, known):
        if reference.name in reference.names:
            continue
        suggestion = closest(reference.name, sorted(reference.hints)) or _listed(reference.hints)
        wrong = f"no {reference.word} is known as {shown(reference.name)}"
        found.append(_problem(reference.path, wrong, reference.name, f"a {reference.word}", suggestion))
    return (*found, *_misplaced_pools(data, known)) if kind in {"contract", "offer"} else tuple(found)


def _problem(path: Path, wrong: str, name: str, expected: str = "", suggestion: str = "") -> ShapeProblem:
    return ShapeProblem(path, Spot.VALUE, field_text(path), wrong, shown(name), expected, suggestion)


def _listed(names: frozenset[str]) -> str:
    listed = sorted(names)[:NAMES_SHOWN_MAX]
    more = ", ..." if len(names) > len(listed) else ""
    return f"known: {', '.join(listed)}{more}" if listed else "none is known"


def _reference(data: object, path: Path, word: str, names: frozenset[str]) -> Iterator[_Reference]:
    """The reference at a path, if a name stands there at all."""
    name = _text(data, *path)
    if name:
        yield _Reference(path, word, name, names, names)


def _contract_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("provider",), "provider", known.providers)
    for index, _ in enumerate(_entries(data, "tranches")):
        yield from _reference(data, ("tranches", index, "pool"), "pool", known.pools)
        award: Path = ("tranches", index, "award")
        yield from _reference(data, (*award, "waiver"), "waiver", known.waivers)
        yield from _reference(data, (*award, "replaces"), "provider", known.providers)
        for place, _ in enumerate(_list_at(data, *award, "waivers")):
            yield from _reference(data, (*award, "waivers", place), "waiver", known.waivers)
    for path in _clause_paths(data):
        yield from _clause_references(data, path, known)


def _clause_paths(data: object) -> Iterator[Path]:
    """Where clauses stand: the contract's own, and those that amendments begin."""
    holders: list[Path] = [(), *(("amendments", index) for index, _ in enumerate(_entries(data, "amendments")))]
    for holder in holders:
        yield from ((*holder, "clauses", index) for index, _ in enumerate(_list_at(data, *holder, "clauses")))


def _clause_references(data: object, path: Path, known: KnownNames) -> Iterator[_Reference]:
    """Tranches that a ramp or price tiers name, and the provider that a cap names."""
    contract = _text(data, "name")
    yield from _tranche_within(data, (*path, "tranche"), contract, known)
    for index, _ in enumerate(_list_at(data, *path, "tranches")):
        yield from _tranche_within(data, (*path, "tranches", index), contract, known)
    if _text(data, *path, "dimension") == "provider":
        yield from _reference(data, (*path, "of"), "provider", known.providers)


def _tranche_within(data: object, path: Path, contract: str, known: KnownNames) -> Iterator[_Reference]:
    """A tranche that a document calls by its name within the contract."""
    prefix = f"{contract}/"
    names = frozenset(name.removeprefix(prefix) for name in known.tranches if name.startswith(prefix))
    yield from _reference(data, path, f"tranche of {contract}", names)


def _offer_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("provider",), "provider", known.providers)
    yield from _reference(data, ("pool",), "pool", known.pools)
    yield from _reference(data, ("need",), "need", known.needs)


def _suspension_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("contract",), "contract", known.contracts)
    contract = _text(data, "contract")
    if contract in known.contracts:
        for index, _ in enumerate(_entries(data, "tranches")):
            yield from _tranche_within(data, ("tranches", index), contract, known)


def _waiver_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("contract",), "contract", known.contracts)
    contract = _text(data, "contract")
    if contract in known.contracts:
        prefix = f"{contract}/"
        clauses = frozenset(name.removeprefix(prefix) for name in known.clauses if name.startswith(prefix))
        yield from _reference(data, ("clause",), f"clause of {contract}", clauses)


def _delivery_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("tranche",), "tranche", known.tranches)


def _tenant_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    """The tenant above. What lies below a name that nobody knows cannot be what was meant by it."""
    parent = parent_of(TenantId(_text(data, "name")))
    if parent:
        hints = frozenset(name for name in known.tenants if not name.startswith(f"{parent}/"))
        yield _Reference(("name",), "tenant", parent, known.tenants, hints)


def _workload_references(data: object, known: KnownNames) -> Iterator[_Reference]:
    yield from _reference(data, ("tenant",), "tenant", known.tenants)
    # SkyPilot's older spelling says it in `cloud`.
    for field in ("infra", "cloud"):
        provider = _text(data, "resources", field).partition("/")[0]
        if provider not in {"", "*"}:
            names = known.providers | known.aliases
            yield _Reference(("resources", field), "provider", provider, names, names)
    for reference in _reference(data, ("model_from",), "workload", known.workloads):
        yield msgspec.structs.replace(reference, hints=known.workloads - {_text(data, "name")})


def _nothing(data: object, known: KnownNames) -> Iterator[_Reference]:
    """Of documents that name no other, and of those whose kind is none."""
    del data, known
    yield from ()


_REFERENCES: dict[str, Callable[[object, KnownNames], Iterator[_Reference]]] = {
    "contract": _contract_references,
    "waiver": _waiver_references,
    "suspension": _suspension_references,
    "offer": _offer_references,
    "delivery": _delivery_references,
    "tenant": _tenant_references,
    WORKLOAD_KIND: _workload_references,
    "task": _workload_references,
}


def _misplaced_pools(data: object, known: KnownNames) -> Iterator[ShapeProblem]:
    """Pools of another than the contract's provider; with a provider that nobody knows every pool would be one."""
    provider = _text(data, "provider")
    if provider not in known.providers:
        return
    whose = f"the offer is {provider}'s" if _text(data, "kind") == "offer" else f"the contract is with {provider}"
    ordered: list[Path] = [("tranches", index, "pool") for index, _ in enumerate(_entries(data, "tranches"))]
    for path in (("pool",), *ordered):
        pool = _text(data, *path)
        owner = pool.partition("/")[0]
        if pool in known.pools and owner != provider:
            wrong = f"pool {shown(pool)} is {owner}'s, and {whose}"
            yield _problem(path, wrong, pool)


def _entries(data: object, field: str) -> list[object]:
    """One of a document's lists; empty where none stands there."""
    entries = cast("Mapping[str, object]", data).get(field) if isinstance(data, Mapping) else None
    return cast("list[object]", entries) if isinstance(entries, list) else []


def _list_at(data: object, *path: str | int) -> list[object]:
    """The list at a path of plain data; empty where none stands there."""
    *head, field = path
    node = data
    for step in head:
        if isinstance(node, Mapping):
            node = cast("Mapping[str | int, object]", node).get(step)
        elif isinstance(node, list) and isinstance(step, int):
            node = cast("list[object]", node)[step]
        else:
            return []
    return _entries(node, str(field))


def _text(data: object, *path: str | int) -> str:
    """The text at a path of plain data; empty where none stands there."""
    node = data
    for step in path:
        if isinstance(node, Mapping):
            node = cast("Mapping[str | int, object]", node).get(step)
        elif isinstance(node, list) and isinstance(step, int):
            node = cast("list[object]", node)[step]
        else:
            return ""
    return node if isinstance(node, str) else ""
