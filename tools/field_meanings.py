"""What fields of documents mean where their schemas do not say it. A test wants all of them told, each once."""

MEANINGS: dict[str, dict[str, str]] = {
    "AcceleratorIn": {
        "kind": "says what document this is",
        "vendor": "who makes it",
        "generation": "the maker's name of the generation",
        "frameworks": "what runs on it",
    },
    "ProviderIn": {
        "kind": "says what document this is",
        "title": "its name for people",
        "source": "where this is written",
        "pools": "its pools",
    },
    "PoolIn": {
        "region": "as the provider names it",
        "zone": "as the provider names it",
        "chips_per_node": "chips of one node",
    },
    "ContractIn": {
        "kind": "says what document this is",
        "name": "the contract's id",
        "title": "its name for people",
        "from": "its first moment",
        "source": "where it is written",
        "clauses": "its clauses, each under its own kind; see [clauses](clauses.md)",
        "tranches": "what was ordered under it",
    },
    "TrancheIn": {
        "nodes_per_domain": "nodes of one domain",
        "rate_source": "where the rate stands, or that it is assumed",
        "award": "how it came to be awarded",
    },
    "WaiverIn": {
        "kind": "says what document this is",
        "name": "the waiver's id; awards name it",
        "answer": "how the notice ended",
        "accelerators": "which accelerators were noticed",
        "source": "where it is written",
    },
    "WebhookIn": {"kind": "says what document this is", "name": "the webhook's id"},
    "DeliveryIn": {
        "kind": "says what document this is",
        "name": "the delivery's id; it is recorded once and never changed",
        "source": "where the acceptance is written",
    },
    "TenantIn": {
        "kind": "says what document this is",
        "title": "its name for people",
        "quotas": "what it, and all below it, may use",
    },
    "QuotaIn": {"name": "the quota's name; explanations name it"},
    "WorkloadIn": {
        "kind": "may be left out",
        "resources": "what each node needs, and where",
        "envs": "environment variables; text, whole numbers, true or false",
        "restart": "how often a failed attempt is repeated",
    },
    "ResourcesIn": {
        "infra": "`provider/region/zone`, `*` for any; the end may be left out",
        "region": "the region, in SkyPilot's older spelling",
        "zone": "the zone, in SkyPilot's older spelling",
    },
    "ServiceIn": {
        "replicas": "how many gangs serve; one where left out",
        "replica_policy": "SkyPilot's way to say how many",
        "ports": "the same, in SkyPilot's spelling",
    },
    "ReplicaPolicyIn": {"min_replicas": "how many gangs serve; their number does not follow load"},
    "ReadinessIn": {"path": "the path of the probe"},
}
