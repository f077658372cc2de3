"""Every class of error in a document, with its exact text and place."""

# ruff: noqa: E501, ISC004 -- a message stands as it is printed

from pathlib import Path

import pytest

from multihome.files.loading import load
from multihome.files.references import KnownNames

KNOWN = KnownNames(
    accelerators=frozenset({"H100-SXM-80GB", "A100-SXM-80GB", "TPU-v5p"}),
    tenants=frozenset({"lab"}),
    providers=frozenset({"azure", "coreweave"}),
    pools=frozenset({"azure/eastus-h100"}),
    contracts=frozenset({"azure-2019"}),
    clauses=frozenset({"azure-2019/first-refusal"}),
    tranches=frozenset({"azure-2019/h100"}),
    waivers=frozenset({"W-1"}),
)
ACCELERATORS = "(known: A100-SXM-80GB, H100-SXM-80GB, TPU-v5p)"
TASK_FIELDS = (
    "kind, name, tenant, resources, num_nodes, setup, run, envs, secrets, workdir, service, product, priority, "
    "value_usd_per_hour, qualified, throughput, jurisdictions, restart, max_run_time, stall_timeout, checkpoint, model_from, model, precision, steps, deadline, data_sets"
)
DURATION = "expected a duration like 90s, 10m, 1h30m or 2d"
DATE = "expected a date like 2025-06-02, or an instant with its zone like 2025-06-02T12:00:00Z"
PERCENT = "expected a percentage up to 100%, like 80% or 8000bps"

FIRST_REFUSAL = (
    "clauses:\n  - {kind: right_of_first_refusal, name: r, source: s, mode: match_offer, notice_days: 9, waiver_days: 9, "
    "incumbent_first: true, scope: {}, material_change: {%s}}\n"
)
TASK = "name: a\ntenant: lab\nresources: {accelerators: H100:8}\nrun: x\n"
CONTRACT = "kind: contract\nname: c\ntitle: t\nprovider: azure\nfrom: 2025-01-01\nsource: s\n"
TRANCHE = (
    "  - {name: a, pool: %s, domains: 1, nodes_per_domain: 1, new_capacity: true, promised: 2025-01-02, "
    "ends: 2026-01-01, rate_usd_per_chip_hour: 2.5, rate_source: s, award: {date: 2025-01-01, waiver: W-2}}\n"
)
WAIVER = (
    "kind: waiver\nname: w\ncontract: azure-2019\nclause: first-refusal\nserved: 2025-01-01\nanswered: 2025-01-02\n"
    "expires: 2025-01-03\nanswer: declined\naccelerators: [H100]\nchips: 8\nrate_usd_per_chip_hour: 2\n"
    f"notice_sha256: {'0' * 64}\nsource: s\n"
)
DELIVERY = "kind: delivery\nname: d\ntranche: azure-2019/h100\ndomains: 1\neffective: 2025-01-01\nsource: s\n"


def problems_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    (tmp_path / "f.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return [str(problem) for problem in load(["f.yaml"], known=KNOWN).problems]


def resources(text: str) -> str:
    return TASK.replace("{accelerators: H100:8}", "{" + text + "}")


SCALARS = [
    (TASK + "num_nodes: two\n", "5:12: num_nodes: expected a whole number, not 'two'"),
    (TASK + "num_nodes: 1.5\n", "5:12: num_nodes: expected a whole number, not '1.5'"),
    (TASK + "num_nodes: 0\n", "5:12: num_nodes: expected at least 1, not 0"),
    (TASK + "num_nodes: 5000\n", "5:12: num_nodes: expected at most 4096, not 5000"),
    (TASK + "priority:\n", "5:10: priority: expected a whole number, not nothing"),
    (TASK + "product: ''\n", "5:10: product: expected some text, not ''"),
    (TASK + "product: " + "x" * 65 + "\n", f"5:10: product: expected at most 64 characters, not '{'x' * 59}…'"),
    (TASK + "service: yes\n", "5:10: service: expected a mapping, not 'yes'"),
    (TASK + "jurisdictions: US\n", "5:16: jurisdictions: expected a list, not 'US'"),
    (TASK + "envs: [A]\n", "5:7: envs: expected a mapping, not a list"),
    (TASK + "setup: [a]\n", "5:8: setup: expected text, not a list"),
    (TASK + "max_run_time: 12\n", f"5:15: max_run_time: {DURATION}, not 12"),
    (TASK + "stall_timeout: 999999d\n", f"5:16: stall_timeout: {DURATION}, not '999999d'"),
    (TASK + "qualified: {H100: tomorrow}\n", f"5:19: qualified.H100: {DATE}, not 'tomorrow'"),
    (
        TASK + "qualified: {H100: 2025-06-01T10:00:00}\n",
        "5:19: qualified.H100: '2025-06-01T10:00:00' has a time but no zone; write it with Z or an offset",
    ),
    (TASK + "value_usd_per_hour: 1.1234567\n", "5:21: value_usd_per_hour: '1.1234567' has more than 6 decimals"),
    (TASK + "value_usd_per_hour: free\n", "5:21: value_usd_per_hour: expected an amount in USD like 2.49, not 'free'"),
    (TASK + "value_usd_per_hour: -1\n", "5:21: value_usd_per_hour: expected an amount in USD like 2.49, not -1"),
    (
        TASK + "value_usd_per_hour: 999999999999999\n",
        "5:21: value_usd_per_hour: 999999999999999 is too large",
    ),
    (
        TASK + "checkpoint: {interval_steps: 5, size: 20}\n",
        "5:39: checkpoint.size: expected a size like 20GB or 512MiB, not 20",
    ),
    (TASK + "restart: {exit_codes: [0]}\n", "5:24: restart.exit_codes[0]: expected at least 1, not 0"),
    (
        "kind: webhook\nname: desk\nurl: https://desk.example/x\nsecret: desk-key\n",
        "4:9: secret: expected the name of an environment variable, not 'desk-key'",
    ),
    (
        TASK.replace("name: a", "name: a b"),
        "1:7: name: expected a name of letters, digits, dots, dashes and underscores, not 'a b'",
    ),
    (TASK + "envs: {1A: x}\n", "5:8: envs.1A: expected the name of an environment variable, not '1A'"),
    (
        TASK + "envs: {A: }\n",
        "5:11: envs.A: expected text, not nothing; a variable that is only known at launch belongs in `secrets`",
    ),
    (DELIVERY.replace("2025-01-01", "2025-13-01"), f"5:12: effective: {DATE}, not '2025-13-01'"),
    (
        DELIVERY.replace("azure-2019/h100", "h200"),
        "3:10: tranche: expected two names with a slash between, like azure/eastus-h100, not 'h200'",
    ),
    (
        WAIVER.replace("0" * 64, "abc"),
        "12:16: notice_sha256: expected a SHA-256 as 64 lower-case hexadecimal digits, not 'abc'",
    ),
    (WAIVER.replace("[H100]", "[]"), "9:15: accelerators: expected at least 1 entry, not an empty list"),
    (
        WAIVER.replace("2025-01-03", "2025-01-01"),
        "7:10: expires: it ends on 2025-01-01, not after it begins on 2025-01-02",
    ),
]
ACCELERATOR_ERRORS = [
    (
        resources("accelerators: H1000"),
        f"3:27: resources.accelerators: no accelerator is known as 'H1000'; did you mean H100 or H100-80GB or H100-SXM? "
        f"{ACCELERATORS}",
    ),
    (
        resources("accelerators: {H100: 8, Z9: 1}"),
        f"3:41: resources.accelerators.Z9: no accelerator is known as 'Z9' {ACCELERATORS}",
    ),
    (
        resources("accelerators: [H100:8, Z9]"),
        f"3:36: resources.accelerators[1]: no accelerator is known as 'Z9' {ACCELERATORS}",
    ),
    (
        resources("accelerators: H100:eight"),
        "3:27: resources.accelerators: 'H100:eight' needs a whole number of chips after the colon, like H100:8",
    ),
    (
        resources("accelerators: tpu-v5p-7"),
        "3:27: resources.accelerators: 'tpu-v5p-7' names 7 TensorCores, and a TPU-v5p chip has 2",
    ),
    (
        resources("accelerators: [H100:8, H100-SXM:4]"),
        "3:27: resources.accelerators: H100-SXM-80GB is named twice, in one spelling or in two",
    ),
    (resources("accelerators: "), "3:27: resources.accelerators: expected accelerators like H100:8, not nothing"),
    (resources("accelerators: [8]"), "3:28: resources.accelerators[0]: expected an accelerator like H100:8, not 8"),
    (
        TASK + "qualified: {A100-80GB: 2025-06-01}\n",
        "5:12: qualified: A100-SXM-80GB is not among `resources.accelerators`",
    ),
    (
        TASK + "throughput: {X900: 1}\n",
        f"5:14: throughput.X900: no accelerator is known as 'X900'; did you mean H100? {ACCELERATORS}",
    ),
]
FIELD_ERRORS = [
    (TASK.replace("run: x\n", ""), "1:1: run: `run` is required, and missing"),
    (TASK + "service: {replicas: 2}\n", "5:10: service.readiness_probe: `readiness_probe` is required, and missing"),
    (TASK + "num_node: 2\n", "5:1: num_node: no field is called 'num_node' here; did you mean num_nodes?"),
    (TASK + "zzzzzz: 2\n", f"5:1: zzzzzz: no field is called 'zzzzzz' here; the fields are {TASK_FIELDS}"),
    (
        TASK + "file_mounts: {a: b}\n",
        "5:1: file_mounts: `file_mounts` is not supported; copy what is needed in `setup`, or put it in `workdir`",
    ),
    (
        resources("use_spot: true, accelerators: H100:8"),
        "3:13: resources.use_spot: `use_spot` is not supported; leave it out: capacity comes from contracts, and borrowed "
        "chips are what may be taken back",
    ),
    (
        TASK + "service: {replica_policy: {min_replicas: 2, max_replicas: 4}, readiness_probe: /health}\n",
        "5:45: service.replica_policy.max_replicas: `max_replicas` is not supported; leave it out: the number of replicas "
        "does not follow load; `min_replicas` is what runs",
    ),
    (
        TASK + "service: {replicas: 2, replica_policy: {min_replicas: 2}, readiness_probe: /health}\n",
        "5:40: service.replica_policy: `replicas` says how many already; keep one of the two",
    ),
    (
        TASK + "service: {readiness_probe: {path: health}}\n",
        "5:35: service.readiness_probe.path: expected a path that begins with a slash, like /health, not 'health'",
    ),
    (
        resources("infra: azure, cloud: azure, accelerators: H100:8"),
        "3:34: resources.cloud: `infra` says where already; keep one of the two",
    ),
    (
        resources("infra: a/b/c/d, accelerators: H100:8"),
        "3:20: resources.infra: expected provider/region/zone, where * is any and the end may be left out, not 'a/b/c/d'",
    ),
    (
        resources("cpus: many, accelerators: H100:8"),
        "3:19: resources.cpus: expected a number of CPUs like 8 or 8+, up to 1000000, not 'many'",
    ),
    (
        resources("memory: 4x, accelerators: H100:8"),
        "3:21: resources.memory: expected GiB of memory like 64 or 64+, or a size like 64GiB, not '4x'",
    ),
    (resources("ports: [1, 2], accelerators: H100:8"), "3:20: resources.ports: expected one port, not 2"),
    (
        "kind: contracts\n",
        "1:7: kind: no document is of kind 'contracts'; did you mean contract?",
    ),
    (
        "kind: 7\n",
        "1:7: kind: no document is of kind 7; the kinds are accelerator, provider, contract, waiver, suspension, need, offer, delivery, webhook, tenant, dataset, transfer, throughput, valuation, "
        "workload or task",
    ),
    (
        "apiVersion: v1\nkind: Deployment\n",
        "2:7: kind: no document is of kind 'Deployment'; this is a Kubernetes object; a workload here is written like a "
        "SkyPilot task",
    ),
    ("- a\n", "1:1: document: expected a mapping, not a list"),
    (TASK + "run: y\n", "5:1: run: stands here twice, first in line 4"),
    (TASK + "---\n" + TASK, "6:7: name: workload 'a' is described twice, first in f.yaml:1"),
    (
        TASK + "---\n" + TASK.replace("name: a", "kind: task\nname: a"),
        "7:7: name: workload 'a' is described twice, first in f.yaml:1",
    ),
]
CLAUSE_ERRORS = [
    (
        "  - {kind: ramp, name: r, source: s, tranche: a, steps: [{from: 2025-01-01, chips: -8}]}\n",
        # What is wrong in shape and what nobody knows are told together.
        "8:47: clauses[0].tranche: no tranche of c is known as 'a'; none is known\n"
        "f.yaml:8:84: clauses[0].steps[0].chips: expected at least 0, not -8",
    ),
    (
        "  - {kind: exclusivty}\n",
        "8:12: clauses[0].kind: no clause is of kind 'exclusivty'; did you mean exclusivity?",
    ),
    (
        "  - {kind: x}\n",
        "8:12: clauses[0].kind: no clause is of kind 'x'; the kinds are exclusivity, right_of_first_refusal, take_or_pay, "
        "minimum_commitment, ramp, prepayment, price_tiers, delay_remedy, termination, renewal, concentration_cap, "
        "most_favoured_customer, substitution or equity",
    ),
    ("  - {name: x}\n", "8:5: clauses[0].kind: `kind` is required, and missing"),
    ("  - 3\n", "8:5: clauses[0]: expected a mapping, not 3"),
    (
        "  - {kind: take_or_pay, name: t, share: 90%, source: s, make_up: 1}\n",
        "8:57: clauses[0].make_up: no field is called 'make_up' here; did you mean make_up_periods?",
    ),
    ("  - {kind: take_or_pay, name: t, share: 90, source: s}\n", f"8:41: clauses[0].share: {PERCENT}, not 90"),
    ("  - {kind: take_or_pay, name: t, share: 150%, source: s}\n", f"8:41: clauses[0].share: {PERCENT}, not '150%'"),
    (
        "  - {kind: exclusivity, name: e, source: s, scope: {workloads: [trainin]}}\n",
        "8:65: clauses[0].scope.workloads[0]: expected training or inference, not 'trainin'; did you mean training?",
    ),
    (
        "  - {kind: exclusivity, name: e, source: s, scope: {prodcts: [api]}}\n",
        "8:53: clauses[0].scope.prodcts: no field is called 'prodcts' here; did you mean products?",
    ),
    (
        "  - {kind: exclusivity, name: e, source: s, scope: {new_capacity_only: yes}}\n",
        "8:72: clauses[0].scope.new_capacity_only: expected true or false, not 'yes'",
    ),
    (
        "  - {kind: exclusivity, name: e, source: s, scope: {}, from: 2025-01-01, until: 2024-01-01}\n",
        "8:81: clauses[0].until: it ends on 2024-01-01, not after it begins on 2025-01-01",
    ),
]
CALENDAR_ERRORS = [
    (
        "zone: America/NewYork\n",
        "7:7: zone: no time zone is called 'America/NewYork'; did you mean America/New_York?",
    ),
    (
        "zone: here\n",
        "7:7: zone: no time zone is called 'here'; the names are like UTC, Europe/London or America/New_York",
    ),
    ("zone: 7\n", "7:7: zone: no time zone is called 7; the names are like UTC, Europe/London or America/New_York"),
    (
        "holidays: [2025-02-30]\n",
        "7:12: holidays[0]: expected the date of a holiday, like 2025-07-04, not '2025-02-30'",
    ),
    (
        "holidays: [2025-W01-1]\n",
        "7:12: holidays[0]: expected the date of a holiday, like 2025-07-04, not '2025-W01-1'",
    ),
    (
        "currency: dollars\n",
        "7:11: currency: expected a currency by its three capital letters, like USD, not 'dollars'",
    ),
    (
        "clauses:\n  - {kind: renewal, name: r, source: s, mode: automatic, notice_days: 9, notice_closes: 24:01, term_days: 1}\n",
        "8:89: clauses[0].notice_closes: expected a time of day like 17:00, or 24:00 for the end of the day, not '24:01'",
    ),
    (
        "clauses:\n  - {kind: renewal, name: r, source: s, mode: automatic, notice_days: 9, term_days: 1, rate_factor: 1000%}\n",
        "8:101: clauses[0].rate_factor: expected a percentage up to 999.99%, like 103% or 10300bps, not '1000%'",
    ),
    (
        FIRST_REFUSAL % "chips_up_by: 110%",
        "8:172: clauses[0].material_change.chips_up_by: '110%' more is more than twice as much: only what is added is written, up to 100%; from 100 to 110 are 10%",
    ),
    (
        FIRST_REFUSAL % "rate_up_by: 10001bps",
        "8:171: clauses[0].material_change.rate_up_by: '10001bps' more is more than twice as much: only what is added is written, up to 100%; from 100 to 100.01 are 0.01%",
    ),
    (
        FIRST_REFUSAL % "rate_up_by: some",
        "8:171: clauses[0].material_change.rate_up_by: expected how much more, up to 100%, like 10% for a tenth more, not 'some'",
    ),
    (
        FIRST_REFUSAL % "chips: 110%",
        "8:159: clauses[0].material_change.chips: no field is called 'chips' here; did you mean chips_up_by?",
    ),
]
TOP = "  - {kind: take_or_pay, name: top, share: 90%, source: s}\n"
AMENDMENT_ERRORS = [
    (
        "  - {name: A1, effective: 2024-06-01, source: s}\n",
        "10:3: amendments: amendment A1 takes effect on 2024-06-01, outside the contract's dates",
    ),
    (
        "  - {name: A1, effective: 2025-06-01, ends: [tpo], source: s}\n",
        "10:3: amendments: amendment A1 ends 'tpo', which is not in force before 2025-06-01; in force: top",
    ),
    (
        "  - {name: A1, effective: 2025-06-01, ends: [top], source: s}\n  - {name: A2, effective: 2025-07-01, ends: [top], source: s}\n",
        "10:3: amendments: amendment A2 ends 'top', which is not in force before 2025-07-01; in force: none",
    ),
    (
        "  - {name: A1, effective: 2025-06-01, changes: [tpo], source: s}\n",
        "10:3: amendments: amendment A1 changes 'tpo', and the contract has no clause of that name",
    ),
    (
        "  - {name: A1, effective: 2025-06-01, source: s, clauses: [{kind: take_or_pay, name: top, from: 2025-05-01, share: 1%, source: s}]}\n",
        "10:3: amendments: amendment A1 takes effect on 2025-06-01, and its clause 'top' begins before, on 2025-05-01",
    ),
]
OFFER = (
    "kind: offer\nname: O\nprovider: azure\npool: azure/eastus-h100\nchips: {min: 8, max: 64}\n"
    "start: {from: 2025-01-01, until: 2025-02-01}\nterm_days: {min: 30, max: 90}\nrate_usd_per_chip_hour: 2\n"
    "firmness: firm\nexpires: 2025-01-15\nsource: s\n"
)
SUSPENSION = (
    "kind: suspension\nname: S\ncontract: azure-2019\nfrom: 2025-01-01\ntranches: [h200]\nground: flood\nsource: s\n"
)
REFERENCE_ERRORS = [
    (
        OFFER.replace("eastus-h100", "eastus-h10"),
        "4:7: pool: no pool is known as 'azure/eastus-h10'; did you mean azure/eastus-h100?",
    ),
    (
        OFFER.replace("provider: azure", "provider: coreweave"),
        "4:7: pool: pool 'azure/eastus-h100' is azure's, and the offer is coreweave's",
    ),
    (f"{OFFER}need: N\n", "12:7: need: no need is known as 'N'; none is known"),
    (SUSPENSION, "5:12: tranches[0]: no tranche of azure-2019 is known as 'h200'; did you mean h100?"),
    (
        SUSPENSION.replace("2019", "2020"),
        "3:11: contract: no contract is known as 'azure-2020'; did you mean azure-2019?",
    ),
    (
        f"{CONTRACT}clauses:\n  - {{kind: ramp, name: r, source: s, tranche: a, steps: [{{from: 2025-01-01, chips: 8}}]}}\n",
        "8:47: clauses[0].tranche: no tranche of c is known as 'a'; none is known",
    ),
    (
        f"{CONTRACT}amendments:\n  - {{name: A1, effective: 2025-06-01, source: s, clauses: [{{kind: price_tiers, name: p, source: s, "
        "period: month, mode: graduated, tiers: [{from_chip_hours: 0, rate_usd_per_chip_hour: 2}], tranches: [a]}]}\n",
        "8:201: amendments[0].clauses[0].tranches[0]: no tranche of c is known as 'a'; none is known",
    ),
    (TASK.replace("tenant: lab", "tenant: lap"), "2:9: tenant: no tenant is known as 'lap'; did you mean lab?"),
    (TASK + "model_from: other\n", "5:13: model_from: no workload is known as 'other'; none is known"),
    (
        resources("infra: azur, accelerators: H100:8"),
        "3:20: resources.infra: no provider is known as 'azur'; did you mean azure?",
    ),
    (
        resources("cloud: gcp, accelerators: H100:8"),
        "3:20: resources.cloud: no provider is known as 'gcp'; known: azure, coreweave",
    ),
    (
        WAIVER.replace("first-refusal", "first"),
        "4:9: clause: no clause of azure-2019 is known as 'first'; known: first-refusal",
    ),
    (
        WAIVER.replace("contract: azure-2019", "contract: azure-2020"),
        "3:11: contract: no contract is known as 'azure-2020'; did you mean azure-2019?",
    ),
    (
        DELIVERY.replace("h100", "h200"),
        "3:10: tranche: no tranche is known as 'azure-2019/h200'; did you mean azure-2019/h100?",
    ),
    (
        "kind: tenant\nname: org/team\ntitle: t\napprover: a\n",
        "2:7: name: no tenant is known as 'org'; known: lab",
    ),
    (
        CONTRACT.replace("azure", "coreweav"),
        "4:11: provider: no provider is known as 'coreweav'; did you mean coreweave?",
    ),
    (
        "kind: provider\nname: p\ntitle: t\ntype: cloud\njurisdiction: NO\nengine: local\nabsence_delay: 5s\n",
        "4:7: type: expected hyperscaler, neocloud or own, not 'cloud'; did you mean neocloud?",
    ),
]


@pytest.mark.parametrize(
    ("text", "message"),
    SCALARS
    + ACCELERATOR_ERRORS
    + FIELD_ERRORS
    + [(f"{CONTRACT}clauses:\n{clause}", message) for clause, message in CLAUSE_ERRORS]
    + [(f"{CONTRACT}{text}", message) for text, message in CALENDAR_ERRORS]
    + [(f"{CONTRACT}clauses:\n{TOP}amendments:\n{text}", message) for text, message in AMENDMENT_ERRORS]
    + REFERENCE_ERRORS,
)
def test_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    assert problems_of(tmp_path, monkeypatch, text) == f"f.yaml:{message}".splitlines()


def test_all_problems_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CONTRACT.replace("azure", "coreweave") + "tranches:\n" + TRANCHE % "azure/eastus-h100" + TRANCHE % "azure/x"
    assert problems_of(tmp_path, monkeypatch, text) == [
        "f.yaml:8:21: tranches[0].pool: pool 'azure/eastus-h100' is azure's, and the contract is with coreweave",
        "f.yaml:8:212: tranches[0].award.waiver: no waiver is known as 'W-2'; did you mean W-1?",
        "f.yaml:9:12: tranches[1].name: 'a' stands in this list before",
        "f.yaml:9:21: tranches[1].pool: no pool is known as 'azure/x'; known: azure/eastus-h100",
        "f.yaml:9:202: tranches[1].award.waiver: no waiver is known as 'W-2'; did you mean W-1?",
    ]


def test_a_mistake_in_a_document_is_not_told_again_for_each_reference_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = CONTRACT + "titel: t\ntranches:\n" + (TRANCHE % "azure/eastus-h100").replace("W-2", "W-1")
    delivery = DELIVERY.replace("azure-2019/h100", "c/a")
    assert problems_of(tmp_path, monkeypatch, f"{contract}---\n{delivery}") == [
        "f.yaml:7:1: titel: no field is called 'titel' here; did you mean title?",
    ]
