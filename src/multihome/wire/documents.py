"""Documents: which kinds there are, their shapes to facts and facts to their shapes.

A document is plain data (mappings, lists, text, whole numbers, true, false, nothing) as a YAML or JSON file holds it.
Applies nothing and asks nobody whether what a document names exists, accelerators apart: their spellings are resolved
here, against those the caller knows.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import msgspec
from pydantic import ValidationError

from multihome.domain.accelerators import AcceleratorType
from multihome.domain.commands import Document
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.ids import AcceleratorName
from multihome.domain.notifications import Webhook
from multihome.domain.procurement import Need, Offer
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Tenant
from multihome.domain.workloads import WorkloadSpec
from multihome.units.calendar import zone_names
from multihome.wire.documents_contracts import ContractIn, WaiverIn, contract_data, waiver_data
from multihome.wire.documents_procurement import (
    NeedIn,
    OfferIn,
    SuspensionIn,
    need_data,
    offer_data,
    suspension_data,
)
from multihome.wire.documents_supply import (
    AcceleratorIn,
    DeliveryIn,
    ProviderIn,
    accelerator_data,
    delivery_data,
    provider_data,
)
from multihome.wire.documents_tenants import TenantIn, tenant_data
from multihome.wire.documents_webhooks import WebhookIn, webhook_data
from multihome.wire.documents_workloads import KUBERNETES_OBJECT, WorkloadIn, workload_data
from multihome.wire.fields import UTC, Reading, Shape, closest, shown
from multihome.wire.shape_problems import ShapeProblem, Spot, shape_problems

WORKLOAD_KIND = "workload"
"""The kind of a document that does not say its kind."""

DOCUMENT_KINDS: dict[str, type[Shape]] = {
    "accelerator": AcceleratorIn,
    "provider": ProviderIn,
    "contract": ContractIn,
    "waiver": WaiverIn,
    "suspension": SuspensionIn,
    "need": NeedIn,
    "offer": OfferIn,
    "delivery": DeliveryIn,
    "webhook": WebhookIn,
    "tenant": TenantIn,
    WORKLOAD_KIND: WorkloadIn,
    "task": WorkloadIn,
}
"""Every kind of document, in the order in which facts build on each other."""


class Facts(msgspec.Struct, frozen=True):
    """What documents say: facts in the order they build on each other, and workloads."""

    documents: tuple[Document, ...] = ()
    workloads: tuple[WorkloadSpec, ...] = ()


def read_document(data: object, known: frozenset[AcceleratorName]) -> Facts | tuple[ShapeProblem, ...]:
    """One document's facts, or everything that is wrong with its shape."""
    if not isinstance(data, Mapping):
        return (ShapeProblem((), Spot.VALUE, "document", f"expected a mapping, not {shown(data)}", shown(data)),)
    document = cast("Mapping[str, object]", data)
    kind = document.get("kind", WORKLOAD_KIND)
    model = DOCUMENT_KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return (_unknown_kind(kind, is_kubernetes="apiVersion" in document),)
    try:
        shape = model.model_validate(
            document, context=Reading(known, _zone_of(document) if model is ContractIn else UTC)
        )
    except ValidationError as error:
        return shape_problems(error, document, model)
    return _facts_of(shape)


def _zone_of(contract: Mapping[str, object]) -> str:
    """Where dates of a contract's document begin; what is no zone is told of where it stands."""
    zone = contract.get("zone")
    return zone if isinstance(zone, str) and zone in zone_names() else UTC


def _facts_of(shape: Shape) -> Facts:
    match shape:
        case WorkloadIn():
            return Facts(workloads=(shape.to_spec(),))
        case AcceleratorIn() | ProviderIn() | DeliveryIn() | TenantIn():
            return Facts(documents=shape.to_facts())
        case ContractIn() | WaiverIn() | SuspensionIn() | NeedIn() | OfferIn() | WebhookIn():
            return Facts(documents=shape.to_facts())
        case _:
            msg = f"{type(shape).__name__} is in DOCUMENT_KINDS and has no facts"
            raise AssertionError(msg)


def _unknown_kind(kind: object, *, is_kubernetes: bool) -> ShapeProblem:
    kinds = list(DOCUMENT_KINDS)
    expected = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
    hint = closest(kind, kinds) if isinstance(kind, str) else ""
    suggestion = KUBERNETES_OBJECT if is_kubernetes else hint or f"the kinds are {expected}"
    return ShapeProblem(
        ("kind",), Spot.VALUE, "kind", f"no document is of kind {shown(kind)}", shown(kind), expected, suggestion
    )


def document_data(fact: Document | WorkloadSpec, pools: tuple[Pool, ...] = ()) -> dict[str, Any]:
    """One fact as the document that `read_document` reads back to it.

    A provider's document holds its `pools`; a pool has none of its own.
    """
    assert not isinstance(fact, Pool), f"pool {fact.id} is written within its provider's document"
    return provider_data(fact, pools) if isinstance(fact, Provider) else _DATA_OF[type(fact)](fact)


# The table's keys guarantee each function the type it takes; a checker cannot see that.
_DATA_OF: dict[type, Callable[[Any], dict[str, Any]]] = {
    AcceleratorType: accelerator_data,
    Contract: contract_data,
    Waiver: waiver_data,
    Suspension: suspension_data,
    Need: need_data,
    Offer: offer_data,
    Delivery: delivery_data,
    Webhook: webhook_data,
    Tenant: tenant_data,
    WorkloadSpec: workload_data,
}


def documents_data(facts: Iterable[Document | WorkloadSpec]) -> tuple[dict[str, Any], ...]:
    """Facts as documents; every pool goes into the document of its provider, which must be among the facts."""
    facts = tuple(facts)
    pools = tuple(fact for fact in facts if isinstance(fact, Pool))
    providers = {fact.id for fact in facts if isinstance(fact, Provider)}
    homeless = [pool.id for pool in pools if pool.provider_id not in providers]
    assert not homeless, f"pools without their provider: {homeless}"
    return tuple(
        document_data(fact, tuple(pool for pool in pools if isinstance(fact, Provider) and pool.provider_id == fact.id))
        for fact in facts
        if not isinstance(fact, Pool)
    )


def document_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of document."""
    schema = DOCUMENT_KINDS[kind].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
