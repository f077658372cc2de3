"""The campaign `first-refusal`: random histories, some with a planted breach; the verifier may err in neither way."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from multihome.adapters.signer_ed25519.signer import signer_of_seed
from multihome.ports.journal import JournalRow
from multihome.ports.signer import SignedHead, sign_head
from multihome.simulator.dice import Dice
from multihome.simulator.refusal_breaches import BESIDE, BREACHES, exclusive_capacity
from multihome.simulator.refusal_episodes import tell_something
from multihome.simulator.refusal_story import Story
from multihome.simulator.refusal_world import HOLDER_CONTRACT, make_world, open_journal, with_exclusivity
from multihome.views.bundle import BUNDLE_FORMAT, BundleHead, Manifest, manifest_line, record_line
from multihome_verify.bundle import Trust, verify
from multihome_verify.chain import Anchor
from multihome_verify.findings import Finding, FindingKind

SMALL_HISTORIES = 500
FULL_HISTORIES = 10_000
BREACH_EVERY = 10
"""One history in so many has a planted breach."""
EPISODES_MAX = 5
SIGNER = signer_of_seed(sha256(b"a key for simulations").digest())
_PROGRESS_EVERY = 1_000
_SHOWN_MAX = 10
_FOLLOWS = {FindingKind.PLACED_WITHOUT_PERMISSION}
"""What follows from any breach: the runs on what was awarded against the clause."""


class MadeHistory(msgspec.Struct, frozen=True):
    """A journal made by chance; `breach` names what was planted in the records from `first_seq` to `last_seq`."""

    rows: tuple[JournalRow, ...]
    breach: str
    expected: tuple[FindingKind, ...]
    first_seq: int
    last_seq: int


class RefusalResult(msgspec.Struct, frozen=True):
    """How the campaign went; errors by kind of breach. Findings beside what was planted are false positives too."""

    histories: int
    breaches: dict[str, int]
    false_negatives: dict[str, int]
    false_positives: dict[str, int]
    records: int
    in_scope: dict[str, int]
    failed: int


def make_history(seed: int, *, planted: bool) -> MadeHistory:
    """A history of some episodes, with a breach among them or without one."""
    dice = Dice(seed, "first-refusal")
    plant = tuple(BREACHES)[seed // BREACH_EVERY % len(BREACHES)] if planted else None
    world = with_exclusivity(make_world(dice)) if plant is exclusive_capacity else make_world(dice)
    story = Story(world, dice, open_journal(world, dice))
    for _ in range(dice.between(1, EPISODES_MAX)):
        tell_something(story)
    breach, expected, first_seq, last_seq = "", (), 0, 0
    if plant is not None:
        breach, expected, first_seq = plant.__name__, BREACHES[plant], len(story.pen.rows) + 1
        plant(story)
        last_seq = len(story.pen.rows)
    for _ in range(dice.between(0, EPISODES_MAX)):
        tell_something(story)
    return MadeHistory(tuple(story.pen.rows), breach, expected, first_seq, last_seq)


def bundle_lines(rows: Iterable[JournalRow], contract: str, signed: SignedHead) -> list[bytes]:
    """The lines of a bundle, as an export would write them."""
    manifest = Manifest(
        BUNDLE_FORMAT,
        "multihome simulation",
        contract,
        BundleHead(signed.seq, signed.hash),
        SIGNER.public_pem(),
        msgspec.json.encode(signed).decode(),
        (),
    )
    return [manifest_line(manifest), *map(record_line, rows)]


def run_refusals(
    histories: int, say: Callable[[str], None], judge: Callable[[list[bytes], Trust], list[Finding]] | None = None
) -> RefusalResult:
    """Verify so many histories; `say` takes progress, and last `N passed, N failed`.

    `judge` stands in for the verifier, where a test looks at how the campaign sees a worse one.
    """
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("breach", "missed", "wrong", "scope")}
    records = 0
    failed: set[int] = set()
    for seed in range(histories):
        made = make_history(seed, planted=seed % BREACH_EVERY == 0)
        records += len(made.rows)
        counted["breach"][made.breach or "none"] += 1
        found = (judge or _verified(counted["scope"]))(*_bundle(made))
        missed, wrong = errors_in(made, found)
        for what, errs in (("missed", missed), ("wrong", wrong)):
            if errs:
                failed.add(seed)
                counted[what][made.breach or "none"] += 1
        if (missed or wrong) and len(failed) <= _SHOWN_MAX:
            say(f"history {seed} ({made.breach or 'lawful'}): missed {missed}, wrongly found {wrong}")
        if (seed + 1) % _PROGRESS_EVERY == 0:
            say(f"{seed + 1} of {histories} histories, {len(failed)} failed")
    result = RefusalResult(
        histories,
        dict(sorted(counted["breach"].items())),
        dict(counted["missed"]),
        dict(counted["wrong"]),
        records,
        dict(counted["scope"]),
        len(failed),
    )
    _tell(result, say)
    say(f"{histories - len(failed)} passed, {len(failed)} failed")
    return result


def errors_in(made: MadeHistory, found: list[Finding]) -> tuple[list[str], list[str]]:
    """Findings that should have come and did not, and findings that should not have come."""
    kinds = {finding.kind for finding in found if made.first_seq <= finding.seq <= made.last_seq}
    missed = [kind.value for kind in made.expected if kind not in kinds]
    allowed = {*made.expected, *_FOLLOWS, *BESIDE.get(made.breach, ())} if made.breach else set[FindingKind]()
    wrong = [
        f"record {finding.seq}: {finding.kind.value}: {finding.text}"
        for finding in found
        if finding.kind not in allowed or not made.first_seq <= finding.seq <= made.last_seq
    ]
    return missed, wrong


def _bundle(made: MadeHistory) -> tuple[list[bytes], Trust]:
    last = made.rows[-1]
    signed = sign_head(SIGNER, (last.seq, last.hash), 0)
    lines = bundle_lines(made.rows, HOLDER_CONTRACT, signed)
    key = base64.b64decode(signed.public_key)
    return lines, Trust(anchor=Anchor(last.seq, last.hash), public_key=key)


def _verified(scope: Counter[str]) -> Callable[[list[bytes], Trust], list[Finding]]:
    def judge(lines: list[bytes], trust: Trust) -> list[Finding]:
        report = verify(lines, trust)
        scope.update(report.in_scope)
        scope["runs"] += report.runs
        return report.findings

    return judge


def _tell(result: RefusalResult, say: Callable[[str], None]) -> None:
    for name, count in result.breaches.items():
        missed, wrong = result.false_negatives.get(name, 0), result.false_positives.get(name, 0)
        say(f"  {name}: {count} histories, {missed} false negatives, {wrong} false positives")
    for code, count in sorted(result.in_scope.items()):
        say(f"  in scope: {count} on {code}")
    planted = sum(result.breaches.values()) - result.breaches.get("none", 0)
    say(f"{result.histories} histories with {planted} planted breaches, {result.records:,} records")
