"""Judges the first-refusal sequence of a contract: every award in scope, and every run placed on what was awarded.

No award in scope without an exemption or an unexpired waiver that covers it. What a journal claims is computed anew:
windows from the clause and its calendar, waivers from answers, what is left from partial matches and earlier awards.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from multihome_verify.facts import EXCLUSIVITY, Clause
from multihome_verify.findings import Finding, FindingKind
from multihome_verify.history import Capacity, History, Made, Version
from multihome_verify.notices import NoticeBook, document_findings, notice_findings
from multihome_verify.scope import binds, exempts


@dataclass
class Coverage:
    """What was held against the clauses: awards and tranches in scope by what they rest on, and runs placed on them."""

    in_scope: Counter[str] = field(default_factory=Counter[str])
    runs: int = 0


@dataclass(frozen=True)
class Judge:
    """The history under judgement and the contract whose clauses judge it, with what was covered so far."""

    history: History
    contract_id: str
    coverage: Coverage = field(default_factory=Coverage)

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong under the contract's clauses."""
        history = self.history
        if self.contract_id not in history.contracts:
            text = f"contract {self.contract_id[:100]!r} is not in the journal"
            yield Finding(FindingKind.NO_SUCH_CONTRACT, 0, text)
            return
        book = NoticeBook(history, self.contract_id)
        yield from notice_findings(book)
        for made in history.awards.values():
            for clause in self._binding(made.capacity):
                code, found = self._award(book, clause, made)
                self.coverage.in_scope[code] += 1
                yield from found
        for versions in history.tranches.values():
            for version in versions:
                yield from self._version(book, version, last=version is versions[-1])

    def _version(self, book: NoticeBook, version: Version, *, last: bool) -> Iterator[Finding]:
        """A tranche as it stands, and what was placed on it as it stood then."""
        made = self.history.awards.get(version.tranche.award_id)
        seen: set[str] = set()
        for clause in self._binding(version.capacity, *([made.capacity] if made else [])):
            code, found = self._tranche(clause, version, made)
            if last and code != "award":
                self.coverage.in_scope[code] += 1
            if last:
                yield from found
            if version.runs and clause.name not in seen:
                seen.add(clause.name)
                self.coverage.runs += version.runs
                rests = made is None or not self._award(book, clause, made)[1]
                if found or not rests:
                    yield _placed(clause, version, found)

    def _binding(self, *capacities: Capacity) -> list[Clause]:
        return [
            clause
            for clause in self.history.clauses_for(capacities[0].seq)
            if clause.contract_id == self.contract_id and any(binds(clause, capacity) for capacity in capacities)
        ]

    def _award(self, book: NoticeBook, clause: Clause, made: Made) -> tuple[str, list[Finding]]:
        """What an award rests on under a clause, and what is wrong with that."""
        claim = next((claim for claim in made.award.claims if claim.clause == clause.name), None)
        code = claim.code if claim else "nothing"
        if clause.kind == EXCLUSIVITY:
            return code, [_finding(FindingKind.EXCLUSIVE, clause, made.capacity, "new capacity was exclusive")]
        if claim is not None and code == "exemption":
            if exempts(clause, made.capacity, self.history.losses.get(made.award.replaces, ()), made.order):
                return code, []
            text = "it claims an exemption that the clause does not make for it"
            return code, [_finding(FindingKind.WRONG_EXEMPTION, clause, made.capacity, text)]
        if claim is None or code != "waiver":
            text = f"it is in scope, and rests on {code}"
            return code, [_finding(FindingKind.NO_EVIDENCE, clause, made.capacity, text)]
        if claim.waiver_id:
            return code, list(document_findings(self.history, clause, made.capacity, (claim.waiver_id,)))
        return code, list(book.waived(clause, made, claim))

    def _tranche(self, clause: Clause, version: Version, made: Made | None) -> tuple[str, list[Finding]]:
        """What a tranche rests on, and what is wrong with that; the award it names is judged by itself."""
        tranche, capacity = version.tranche, version.capacity
        if tranche.award_id:
            if made is None or made.capacity.seq > capacity.seq:
                text = f"it names award {tranche.award_id[:100]}, which was not on record"
                return "award", [_finding(FindingKind.EVIDENCE_MISSING, clause, capacity, text)]
            beyond = self._beyond(version, made)
            return "award", [_finding(FindingKind.BEYOND_AWARD, clause, capacity, beyond)] if beyond else []
        if clause.kind == EXCLUSIVITY:
            return "nothing", [_finding(FindingKind.EXCLUSIVE, clause, capacity, "new capacity was exclusive")]
        losses = self.history.losses.get(tranche.replaces, ())
        if exempts(clause, capacity, losses, version.order, tranche.exempt_by):
            return "exemption", []
        if not tranche.waiver_ids and (tranche.exempt_by or tranche.exempt_in_words):
            text = f"it is exempt {_on_ground(tranche.exempt_by)}, and the clause makes no such exemption for it"
            return "exemption", [_finding(FindingKind.WRONG_EXEMPTION, clause, capacity, text)]
        if not tranche.waiver_ids:
            text = "no notice was served for it, and no exemption is named"
            return "nothing", [_finding(FindingKind.NO_EVIDENCE, clause, capacity, text)]
        return "waiver of a document", list(document_findings(self.history, clause, capacity, tranche.waiver_ids))

    def _beyond(self, version: Version, made: Made) -> str:
        """What a tranche has beyond the award that it names; empty where it keeps to it."""
        mine, award = version.capacity, made.capacity
        name = version.tranche.id
        before = [
            versions[-1].capacity.chips
            for other, versions in self.history.tranches.items()
            if other < name and versions[-1].tranche.award_id == made.award.id
        ]
        if sum(before) + mine.chips > award.chips:
            return f"{sum(before) + mine.chips} chips are ordered under an award of {award.chips}"
        if version.tranche.pool_id != made.award.pool_id or mine.provider.id != award.provider.id:
            return f"it is in pool {version.tranche.pool_id[:100]}, and the award is of {made.award.pool_id[:100]}"
        if mine.rate > award.rate or mine.currency != award.currency:
            return "its rate is better for the provider than the award's"
        if (mine.awarded_ms, mine.new_capacity) != (award.awarded_ms, award.new_capacity):
            return "it states another day of award, or other capacity, than the award"
        if mine.starts_ms < award.starts_ms or mine.ends_ms > award.ends_ms:
            return "it begins before the award does, or ends after it"
        if not mine.use.within(award.use):
            return "it is meant for uses that the award does not have"
        return ""


def _finding(kind: FindingKind, clause: Clause, capacity: Capacity, text: str) -> Finding:
    return Finding(kind, capacity.seq, text, clause.name, capacity.name)


def _on_ground(ground: str) -> str:
    return f"on the ground {ground[:100]}" if ground else "in words"


def _placed(clause: Clause, version: Version, found: list[Finding]) -> Finding:
    others = f" and {version.runs - 1} more" if version.runs > 1 else ""
    why = f": {found[0].text}" if found else ": its award has a finding"
    text = f"run {version.first_run[:100]}{others} placed on capacity that was not permitted{why}"
    return Finding(FindingKind.PLACED_WITHOUT_PERMISSION, version.first_seq, text, clause.name, version.capacity.name)
