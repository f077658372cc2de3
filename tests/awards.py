"""Awards and the clauses that are tested before one, with defaults for tests."""

from typing import Any

from multihome.domain.clause_terms import (
    ConcentrationCap,
    Dimension,
    Favoured,
    FavouredRemedy,
    Measure,
    MostFavoured,
    Use,
)
from multihome.domain.contracts import USD
from multihome.domain.ids import AwardId, OfferId, PoolId, ProviderId
from multihome.domain.procurement import AwardRecord, Terms
from tests.builders import H100, RATE, YEAR


def award(provider_id: str = "beta", award_id: str = "A-1", **more: Any) -> AwardRecord:
    """32 H100 of a provider for the whole year at the usual rate, awarded on its first day."""
    terms: dict[str, Any] = {
        "accelerator": H100,
        "region": "east",
        "chips": 32,
        "starts_ms": YEAR.start_ms,
        "ends_ms": YEAR.end_ms,
        "rate_micro_usd_per_chip_hour": RATE,
        "currency": USD,
    }
    facts: dict[str, Any] = {
        "id": AwardId(award_id),
        "offer_id": OfferId("O-1"),
        "provider_id": ProviderId(provider_id),
        "pool_id": PoolId(f"{provider_id}/main"),
        "use": Use(),
        "new_capacity": True,
        "awarded_ms": YEAR.start_ms,
        "evidence": (),
        "actor": "ada",
        "why": "test",
    }
    terms |= {name: more.pop(name) for name in tuple(more) if name in terms}
    return AwardRecord(terms=Terms(**terms), **(facts | more))


def cap(clause_id: str = "cap", **more: Any) -> ConcentrationCap:
    """No provider above 60 % of chips in the 100 days after an award."""
    facts: dict[str, Any] = {
        "id": clause_id,
        "interval": YEAR,
        "dimension": Dimension.PROVIDER,
        "measure": Measure.CHIPS,
        "cap_bps": 6_000,
        "window_days": 100,
        "source": "test",
    }
    return ConcentrationCap(**(facts | more))


def most_favoured(clause_id: str = "mfn", **more: Any) -> MostFavoured:
    """The provider is paid as well as others for 1 to 1,000 of any accelerator, else its rate is matched."""
    facts: dict[str, Any] = {
        "id": clause_id,
        "interval": YEAR,
        "favoured": Favoured.PROVIDER,
        "accelerators": (),
        "chips_min": 1,
        "chips_max": 1_000,
        "look_back_days": 30,
        "remedy": FavouredRemedy.MATCH_RATE,
        "source": "test",
    }
    return MostFavoured(**(facts | more))
