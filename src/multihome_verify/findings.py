"""What a verification can find, as data: what is wrong, at which record, and under which clause for which award."""

from dataclasses import dataclass
from enum import Enum

FINDINGS_MAX = 1_000
"""Reading stops at this many findings; what follows them is not looked at."""


class FindingKind(Enum):
    """What is wrong. First the journal itself, then the first-refusal sequence that it tells."""

    GAP = "gap"
    """Records are missing before this one."""
    REORDERED = "reordered"
    """This record stands after a later one, or comes again."""
    EDITED = "edited"
    """The body, or the hash beside it, is not what the previous hash leads to."""
    TRUNCATED = "truncated"
    """The journal ends before the anchored record."""
    FORKED = "forked"
    """The anchored record is there, with another hash: the past was rewritten."""
    UNREADABLE = "unreadable"
    """A line of an export holds no record, and `seq` is the line's number; or a record's facts cannot be read."""
    MANIFEST = "manifest"
    """The bundle does not begin with a manifest, or its records are not what the manifest says."""
    SIGNATURE = "signature"
    """A head carries no signature that the key confirms."""
    STAMP = "stamp"
    """A time stamp is not of the head beside it, or not of the authority whose certificate was given."""
    NO_SUCH_CONTRACT = "no_such_contract"
    """The contract whose clauses were to be verified is not in the journal."""

    NO_EVIDENCE = "no_evidence"
    """An award in scope names no notice, no waiver and no exemption under the clause."""
    EVIDENCE_MISSING = "evidence_missing"
    """The notice, waiver or award that is named is not on record, or was recorded only afterwards."""
    OUT_OF_ORDER = "out_of_order"
    """Notice, answer and award do not follow one another in time."""
    WRONG_WINDOW = "wrong_window"
    """The window that the notice states is not the one that the clause gives."""
    LATE_ANSWER = "late_answer"
    """An answer after the window closed was taken as one within it."""
    EARLY_LAPSE = "early_lapse"
    """Silence was taken for a waiver before the window closed, or with another date than its close."""
    ANSWERED_TWICE = "answered_twice"
    """A notice that had come to its end was ended again."""
    MATCHED = "matched"
    """The holder matched in full, and the award went elsewhere all the same."""
    OUTSIDE_WAIVER = "outside_waiver"
    """The award was made before the waiver began or after it expired."""
    OTHER_TERMS = "other_terms"
    """The award differs from what was noticed beyond what is no material change."""
    BETTER_RATE = "better_rate"
    """The award's rate is better for the third party than the one noticed."""
    TOO_MANY_CHIPS = "too_many_chips"
    """The award has more chips than the waiver has left."""
    WRONG_EXEMPTION = "wrong_exemption"
    """The clause makes no such exemption, or its conditions do not hold."""
    EXCLUSIVE = "exclusive"
    """New capacity was exclusive to the holder when it was awarded elsewhere."""
    BEYOND_AWARD = "beyond_award"
    """A tranche has more chips, other capacity, a better rate or other dates than the award it names."""
    PLACED_WITHOUT_PERMISSION = "placed_without_permission"
    """A run was placed on capacity whose award has a finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `clause` (contract/clause) and `award` (award or tranche) are empty for the chain's."""

    kind: FindingKind
    seq: int
    text: str
    clause: str = ""
    award: str = ""
