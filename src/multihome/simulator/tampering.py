"""The campaign `tamper`: an exported journal is spoilt in every way, and each must be found, given an anchored head.

The tamperer is careless, and leaves manifest and hashes as they were; or thorough: then all hashes are computed anew,
and the manifest and its head are made and signed with the installation's own key, as whoever runs it could.
"""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise

import msgspec

from multihome.adapters.signer_ed25519.signer import signer_of_seed
from multihome.ports.journal import GENESIS_HASH, JournalRow, chain_hash
from multihome.ports.signer import SignedHead, sign_head
from multihome.simulator.dice import Dice
from multihome.simulator.refusal_campaign import SIGNER, bundle_lines, make_history
from multihome.simulator.refusal_world import HOLDER_CONTRACT
from multihome_verify.bundle import Trust, verify
from multihome_verify.chain import Anchor
from multihome_verify.findings import FindingKind

SMALL_TAMPERINGS = 500
FULL_TAMPERINGS = 10_000
JOURNALS = 25
"""So many different journals are spoilt in turn."""
OTHER_SIGNER = signer_of_seed(sha256(b"somebody else's key").digest())
OF_THE_JOURNAL = {
    FindingKind.GAP,
    FindingKind.REORDERED,
    FindingKind.EDITED,
    FindingKind.TRUNCATED,
    FindingKind.FORKED,
    FindingKind.UNREADABLE,
    FindingKind.MANIFEST,
    FindingKind.SIGNATURE,
}
_PROGRESS_EVERY = 1_000
Rows = Sequence[JournalRow]


class TamperResult(msgspec.Struct, frozen=True):
    """How many tamperings of each kind were made and missed, with an anchor and without; `failed` has controls too."""

    tamperings: int
    made: dict[str, int]
    missed: dict[str, int]
    missed_without_anchor: dict[str, int]
    failed: int


def edit(rows: Rows, dice: Dice) -> Rows:
    """Change one body."""
    at = dice.between(0, len(rows) - 1)
    body = rows[at].body
    spoilt = body.replace(b'"wall_ms":', b'"wall_ms":1', 1) if dice.chance(500) else body[:-1] + b" }"
    return [*rows[:at], msgspec.structs.replace(rows[at], body=spoilt), *rows[at + 1 :]]


def drop(rows: Rows, dice: Dice) -> Rows:
    """Leave one record out."""
    at = dice.between(0, len(rows) - 1)
    return [*rows[:at], *rows[at + 1 :]]


def reorder(rows: Rows, dice: Dice) -> Rows:
    """Let two records change places."""
    first = dice.between(0, len(rows) - 2)
    second = dice.between(first + 1, len(rows) - 1)
    spoilt = list(rows)
    spoilt[first], spoilt[second] = spoilt[second], spoilt[first]
    return spoilt


def truncate(rows: Rows, dice: Dice) -> Rows:
    """Cut the end off."""
    return rows[: dice.between(1, len(rows) - 1)]


def fork(rows: Rows, dice: Dice) -> Rows:
    """Go on from an earlier record with another story, as long as the true one or not."""
    kept = truncate(rows, dice)
    told = [dice.pick(rows).body.replace(b'"wall_ms":', b'"wall_ms":2', 1) for _ in range(dice.between(1, len(rows)))]
    return [*kept, *(JournalRow(0, body, "") for body in told)]


def roll_back(rows: Rows, dice: Dice) -> Rows:
    """Hand out an older state, which was true once and is whole in itself."""
    return truncate(rows, dice)


def repeat(rows: Rows, dice: Dice) -> Rows:
    """Let one record stand twice. Never the last one: hashed anew, that would be a record after the anchored head."""
    at = dice.between(0, len(rows) - 2)
    return [*rows[: at + 1], *rows[at:]]


ALWAYS_THOROUGH = {fork, roll_back}
"""A fork whose hashes do not fit is an edit, and a roll-back carries the head that was signed then."""
TAMPERINGS: tuple[Callable[[Rows, Dice], Rows], ...] = (edit, drop, reorder, truncate, fork, roll_back, repeat)
BY_LINES = ("garble a line", "another key")


def run_tamperings(tamperings: int, say: Callable[[str], None]) -> TamperResult:
    """Spoil so many exports; `say` takes progress, and last `N passed, N failed`."""
    journals = [make_history(seed, planted=False).rows for seed in range(JOURNALS)]
    made, missed, without = Counter[str](), Counter[str](), Counter[str]()
    wrong = sum(_is_found(_honest(rows), _trust(rows)) or _is_found(_honest(rows), Trust()) for rows in journals)
    for seed in range(tamperings):
        dice = Dice(seed, "tamper")
        rows = journals[seed % JOURNALS]
        name, lines = tamper(rows, seed // JOURNALS, dice)
        made[name] += 1
        if lines == _honest(rows) or not _is_found(lines, _trust(rows)):
            missed[name] += 1
            say(f"tampering {seed} ({name}) of journal {seed % JOURNALS} was missed")
        if not _is_found(lines, Trust()):
            without[name] += 1
        if (seed + 1) % _PROGRESS_EVERY == 0:
            say(f"{seed + 1} of {tamperings} tamperings, {sum(missed.values())} missed")
    rolled = roll_back.__name__
    blind = made[rolled] == without[rolled] or not made[rolled]
    for name, count in sorted(made.items()):
        say(f"  {name}: {count} made, {missed[name]} missed; without the anchor {without[name]} would be missed")
    say(f"control: {JOURNALS} untouched journals, {wrong} with findings")
    say(f"control: without the anchor every roll-back is missed: {'yes' if blind else 'NO'}")
    failed = sum(missed.values()) + wrong + (not blind)
    say(f"{tamperings - sum(missed.values())} passed, {failed} failed")
    return TamperResult(tamperings, dict(sorted(made.items())), dict(missed), dict(sorted(without.items())), failed)


def tamper(rows: Rows, turn: int, dice: Dice) -> tuple[str, list[bytes]]:
    """The lines of a spoilt export, and what was done to it; turns go through all kinds."""
    turn %= len(TAMPERINGS) + len(BY_LINES)
    if turn >= len(TAMPERINGS):
        name = BY_LINES[turn - len(TAMPERINGS)]
        return name, _garbled(rows, dice) if name == BY_LINES[0] else _signed_by_another(rows)
    how = TAMPERINGS[turn]
    spoilt = how(rows, dice)
    if how in ALWAYS_THOROUGH:
        return how.__name__, _remade(spoilt)
    if dice.chance(500):
        return f"{how.__name__}, thoroughly", _remade(spoilt)
    return how.__name__, bundle_lines(spoilt, HOLDER_CONTRACT, _head(rows))


def _remade(rows: Rows) -> list[bytes]:
    """Records numbered and hashed anew, under a head that is signed anew."""
    chained: list[JournalRow] = []
    previous = GENESIS_HASH
    for seq, row in enumerate(rows, 1):
        previous = chain_hash(previous, row.body)
        chained.append(JournalRow(seq, row.body, previous))
    assert all(one.seq + 1 == other.seq for one, other in pairwise(chained)), "the forger numbers without a gap"
    return bundle_lines(chained, HOLDER_CONTRACT, _head(chained))


def _garbled(rows: Rows, dice: Dice) -> list[bytes]:
    """One byte of one record is another."""
    lines = _honest(rows)
    at = dice.between(1, len(lines) - 1)
    where = dice.between(0, len(lines[at]) - 2)
    line = bytearray(lines[at])
    line[where] ^= 1 << dice.between(0, 7)
    # A line feed would make two lines of one, and be found for that; here a line stays a line.
    return [*lines[:at], bytes(line).replace(b"\n", b"?"), *lines[at + 1 :]]


def _signed_by_another(rows: Rows) -> list[bytes]:
    """The true records under a head that somebody else signed."""
    return bundle_lines(rows, HOLDER_CONTRACT, sign_head(OTHER_SIGNER, (rows[-1].seq, rows[-1].hash), 0))


def _honest(rows: Rows) -> list[bytes]:
    return bundle_lines(rows, HOLDER_CONTRACT, _head(rows))


def _head(rows: Rows) -> SignedHead:
    return sign_head(SIGNER, (rows[-1].seq, rows[-1].hash), 0)


def _trust(rows: Rows) -> Trust:
    """What the counterparty kept: the head of the true journal, and the key."""
    return Trust(anchor=Anchor(rows[-1].seq, rows[-1].hash), public_key=base64.b64decode(_head(rows).public_key))


def _is_found(lines: list[bytes], trust: Trust) -> bool:
    """Say whether the journal itself is found wanting; what a forged story breaks of a clause does not count."""
    return any(finding.kind in OF_THE_JOURNAL for finding in verify(lines, trust).findings)
