"""The client of one control plane. Blocking; an answer is kept as it came, and read as its type."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar
from urllib.parse import quote

import msgspec

from multihome.client.directory import NotRunningError, read_server, read_token
from multihome.client.refused import RefusedError
from multihome.domain.commands import Document
from multihome.domain.workloads import WorkloadSpec
from multihome.views.award_preview import AwardPreview
from multihome.views.conflicts import ConflictsView
from multihome.views.contracts import ContractCalendar, ContractList, ContractView
from multihome.views.explain import Explanation
from multihome.views.market import MarketView
from multihome.views.needs import NeedRow, NeedsView
from multihome.views.preview import Preview
from multihome.views.procurement import AwardsView, NoticeRow, NoticesView, OfferRow, OffersView
from multihome.views.report import Report
from multihome.views.sequences import CreditsView, TrancheSequence, TranchesView
from multihome.views.status import StatusView, WorkloadRow
from multihome.views.was_allowed import WasAllowed
from multihome.wire.documents import documents_data
from multihome.wire.refusals import EdgeCode, RefusalReply, edge_refusal
from multihome.wire.responses import (
    AcceptedOut,
    BackupOut,
    ChangeOut,
    ClockOut,
    HeadOut,
    NamesOut,
    WorkloadOut,
    WorkloadPage,
)

if TYPE_CHECKING:
    # Importing httpx costs 0.25 CPU-s, which `--help` should not pay.
    import httpx

TRIES_MAX = 4
"""How often a call is made whose connection breaks; a command keeps its key, so that it happens once."""
PAUSE_S = 0.25
TIMEOUT_S = 60
ERROR_STATUS_MIN = 400

_T = TypeVar("_T")


class Reply(msgspec.Struct, Generic[_T], frozen=True):
    """An answer: the bytes as they came, and what they say."""

    raw: bytes
    value: _T


class LogChunk(msgspec.Struct, frozen=True):
    """A part of a run's output, and where the next one begins."""

    run_id: str
    body: bytes
    next_offset: int


class Client:
    """Asks the control plane of a state directory. `mint` makes idempotency keys; `actor` is who asks."""

    def __init__(self, state: Path, mint: Callable[[], str], actor: str) -> None:
        """Take the address and token from a state directory.

        Raises:
            NotRunningError: no control plane is ready there.
        """
        import httpx  # noqa: PLC0415 -- see above

        self._state = state
        self._mint = mint
        self._errors = httpx.TransportError
        self._http = httpx.Client(
            base_url=read_server(state).address,
            headers={"authorization": f"Bearer {read_token(state)}", "multihome-actor": actor},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Close at the end of a block."""
        return self

    def __exit__(self, *error: object) -> None:
        """See `close`."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def apply(
        self, documents: Iterable[Document], workloads: Iterable[WorkloadSpec], *, dry_run: bool = False
    ) -> Reply[AcceptedOut]:
        """Record documents and workloads, or say what that would change."""
        body = {"documents": documents_data((*documents, *workloads))}
        return self._command(AcceptedOut, "POST", "/v1/apply", body, {"dry_run": "true"} if dry_run else None)

    def submit(self, spec: WorkloadSpec) -> Reply[AcceptedOut]:
        """Ask for a workload to be run."""
        return self._command(AcceptedOut, "POST", "/v1/workloads", documents_data((spec,))[0])

    def preview(self, spec: WorkloadSpec) -> Reply[Preview]:
        """Where a workload would go, and why."""
        return self._command(Preview, "POST", "/v1/workloads", documents_data((spec,))[0], {"dry_run": "true"})

    def status(self) -> Reply[StatusView]:
        """What there is and what runs."""
        return self._read(StatusView, "/v1/status")

    def names(self) -> Reply[NamesOut]:
        """The names that documents may refer to."""
        return self._read(NamesOut, "/v1/names")

    def conflicts(self) -> Reply[ConflictsView]:
        """Clauses of contracts on record that cannot all be kept."""
        return self._read(ConflictsView, "/v1/conflicts")

    def workloads(
        self, *, tenant: str = "", state: str = "", limit: int = 100, cursor: str = ""
    ) -> Reply[WorkloadPage]:
        """One page of live workloads."""
        query = {"tenant": tenant, "state": state, "limit": str(limit), "cursor": cursor}
        return self._read(WorkloadPage, "/v1/workloads", query)

    def all_workloads(self, *, tenant: str = "", state: str = "") -> Iterator[WorkloadRow]:
        """Every live workload, page by page."""
        cursor = ""
        while True:
            page = self.workloads(tenant=tenant, state=state, limit=1_000, cursor=cursor).value
            yield from page.workloads
            cursor = page.cursor
            if not cursor:
                return

    def workload(self, name: str) -> Reply[WorkloadOut]:
        """One live workload."""
        return self._read(WorkloadOut, f"/v1/workloads/{_part(name)}")

    def explain(self, name: str) -> Reply[Explanation]:
        """A workload's whole story."""
        return self._read(Explanation, f"/v1/workloads/{_part(name)}/explain")

    def cancel(self, name: str, actor: str, why: str) -> Reply[AcceptedOut]:
        """Stop a workload for good."""
        query = {"actor": actor, "why": why}
        return self._command(AcceptedOut, "DELETE", f"/v1/workloads/{_part(name)}", None, query)

    def override(self, name: str, rule: str, priority: int, actor: str, why: str) -> Reply[AcceptedOut]:
        """Set a rule aside for a workload."""
        body = {"rule": rule, "priority": priority, "actor": actor, "why": why}
        return self._command(AcceptedOut, "POST", f"/v1/workloads/{_part(name)}/override", body)

    def logs(self, name: str, *, unit: int = 0, rank: int = 0, offset: int = 0) -> LogChunk:
        """What a rank has written from an offset on, up to the API's limit."""
        query = {"unit": str(unit), "rank": str(rank), "from": str(offset)}
        answer = self._send("GET", f"/v1/workloads/{_part(name)}/logs", None, query, "")
        headers = answer.headers
        return LogChunk(headers["multihome-run"], answer.content, int(headers["multihome-next"]))

    def follow_logs(self, name: str, *, unit: int = 0, rank: int = 0) -> Iterator[bytes]:
        """What a rank writes, until its run ends."""
        query = {"unit": str(unit), "rank": str(rank), "follow": "true"}
        with self._stream(f"/v1/workloads/{_part(name)}/logs", query, {}) as answer:
            yield from answer.iter_bytes()

    def report(self) -> Reply[Report]:
        """Who ran where, what it cost, what every clause made of it."""
        return self._read(Report, "/v1/report")

    def market(self) -> Reply[MarketView]:
        """How good what runs is, and what one more chip would be worth where something is full."""
        return self._read(MarketView, "/v1/market")

    def contracts(self, *, as_of: str = "") -> Reply[ContractList]:
        """Every contract on record, now or by an instant."""
        return self._read(ContractList, "/v1/contracts", _said(as_of=as_of))

    def contract(self, name: str, *, as_of: str = "") -> Reply[ContractView]:
        """One contract, now or as of an instant."""
        return self._read(ContractView, f"/v1/contracts/{_part(name)}", _said(as_of=as_of))

    def calendar(self, contract: str = "", *, as_of: str = "", until: str = "") -> Reply[ContractCalendar]:
        """The deadlines of a contract; of all of them and of offers where none is named."""
        path = f"/v1/contracts/{_part(contract)}/calendar" if contract else "/v1/calendar"
        return self._read(ContractCalendar, path, _said(as_of=as_of, until=until))

    def clock(self) -> Reply[ClockOut]:
        """Contract time, process time and the wall's."""
        return self._read(ClockOut, "/v1/clock")

    def move_clock(self, move: Mapping[str, str]) -> Reply[AcceptedOut]:
        """`{"declare": instant}`, `{"to": instant}` or `{"by": duration}`, as people write them."""
        return self._command(AcceptedOut, "POST", "/v1/clock", dict(move))

    def declare_lost(self, provider: str, actor: str, why: str) -> Reply[AcceptedOut]:
        """Treat a provider as gone."""
        body = {"actor": actor, "why": why}
        return self._command(AcceptedOut, "POST", f"/v1/providers/{_part(provider)}/declare-lost", body)

    def restore(self, provider: str, actor: str, why: str) -> Reply[AcceptedOut]:
        """Admit to a provider again."""
        body = {"actor": actor, "why": why}
        return self._command(AcceptedOut, "POST", f"/v1/providers/{_part(provider)}/restore", body)

    def drain(self, target: str, actor: str, why: str) -> Reply[AcceptedOut]:
        """Admit nothing more to a provider or pool."""
        return self._command(AcceptedOut, "POST", "/v1/drains", {"target": target, "actor": actor, "why": why})

    def undrain(self, target: str, actor: str, why: str) -> Reply[AcceptedOut]:
        """Admit to a provider or pool again."""
        path = f"/v1/drains/{quote(target)}"
        return self._command(AcceptedOut, "DELETE", path, None, {"actor": actor, "why": why})

    def needs(self, *, as_of: str = "") -> Reply[NeedsView]:
        """All needs, now or as of an instant."""
        return self._read(NeedsView, "/v1/needs", _said(as_of=as_of))

    def offers(self, *, as_of: str = "") -> Reply[OffersView]:
        """All offers, now or as of an instant."""
        return self._read(OffersView, "/v1/offers", _said(as_of=as_of))

    def offer(self, name: str, *, as_of: str = "") -> Reply[OfferRow]:
        """One offer, now or as of an instant."""
        return self._read(OfferRow, f"/v1/offers/{_part(name)}", _said(as_of=as_of))

    def need(self, name: str, *, as_of: str = "") -> Reply[NeedRow]:
        """One need, now or as of an instant."""
        return self._read(NeedRow, f"/v1/needs/{_part(name)}", _said(as_of=as_of))

    def notice(self, name: str, *, as_of: str = "") -> Reply[NoticeRow]:
        """One first-refusal notice, now or as of an instant."""
        return self._read(NoticeRow, f"/v1/notices/{_part(name)}", _said(as_of=as_of))

    def notices(self, *, as_of: str = "") -> Reply[NoticesView]:
        """All first-refusal notices, now or as of an instant."""
        return self._read(NoticesView, "/v1/notices", _said(as_of=as_of))

    def awards(self, *, as_of: str = "") -> Reply[AwardsView]:
        """All awards, now or as of an instant."""
        return self._read(AwardsView, "/v1/awards", _said(as_of=as_of))

    def serve_notice(self, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Serve a notice, with fields as the API names them."""
        return self._command(AcceptedOut, "POST", "/v1/notices", dict(body))

    def ask_first(self, need: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Ask a holder for what is needed, with fields as the API names them."""
        return self._command(AcceptedOut, "POST", f"/v1/needs/{_part(need)}/notices", dict(body))

    def answer_notice(self, notice: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Record a holder's answer."""
        return self._command(AcceptedOut, "POST", f"/v1/notices/{_part(notice)}/answer", dict(body))

    def award(self, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Take an offer."""
        return self._command(AcceptedOut, "POST", "/v1/awards", dict(body))

    def award_preview(self, body: Mapping[str, object]) -> Reply[AwardPreview]:
        """What taking an offer would do, by every clause; takes nothing."""
        return self._command(AwardPreview, "POST", "/v1/awards", dict(body), {"dry_run": "true"})

    def was_allowed(self, subject: str, as_of: str) -> Reply[WasAllowed]:
        """Whether an award, tranche or run was allowed, by what was known at an instant and is known now."""
        return self._read(WasAllowed, f"/v1/was-allowed/{quote(subject)}", _said(as_of=as_of))

    def tranches(self, *, as_of: str = "") -> Reply[TranchesView]:
        """All tranches, with where their deliveries stand, now or as of an instant."""
        return self._read(TranchesView, "/v1/tranches", _said(as_of=as_of))

    def tranche(self, name: str, *, as_of: str = "") -> Reply[TrancheSequence]:
        """One tranche, by `contract/tranche`, now or as of an instant."""
        return self._read(TrancheSequence, f"/v1/tranches/{quote(name)}", _said(as_of=as_of))

    def move_tranche(self, name: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Record a step of a tranche's delivery, with fields as the API names them."""
        return self._command(AcceptedOut, "POST", f"/v1/tranches/{quote(name)}/steps", dict(body))

    def credits(self, *, as_of: str = "") -> Reply[CreditsView]:
        """Credits that are due and not claimed, now or as of an instant."""
        return self._read(CreditsView, "/v1/credits", _said(as_of=as_of))

    def claim_credit(self, tranche: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Claim the credit of a tranche."""
        return self._command(AcceptedOut, "POST", f"/v1/credits/{quote(tranche)}/claim", dict(body))

    def tell_breach(self, contract: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Record that the provider was told of a breach."""
        return self._command(AcceptedOut, "POST", f"/v1/contracts/{_part(contract)}/breach", dict(body))

    def cure_breach(self, contract: str, body: Mapping[str, object]) -> Reply[AcceptedOut]:
        """Record that a breach is over."""
        return self._command(AcceptedOut, "POST", f"/v1/contracts/{_part(contract)}/cure", dict(body))

    def terminate(self, contract: str, body: Mapping[str, object], *, dry_run: bool = False) -> Reply[AcceptedOut]:
        """Give notice that a contract ends, or say what that would cost."""
        query = {"dry_run": "true"} if dry_run else None
        return self._command(AcceptedOut, "POST", f"/v1/contracts/{_part(contract)}/terminate", dict(body), query)

    def head(self) -> Reply[HeadOut]:
        """The journal's last durable record."""
        return self._read(HeadOut, "/v1/journal/head")

    def backup(self, file: Path) -> Reply[BackupOut]:
        """Write a copy of the journal to a new file on the control plane's machine."""
        return self._command(BackupOut, "POST", "/v1/backup", {"file": str(file.absolute())})

    def changes(self, after_seq: int) -> Generator[ChangeOut]:
        """Every record of the journal after `after_seq`, as it becomes durable, until the stream ends."""
        with self._stream("/v1/changes", {}, {"last-event-id": str(after_seq)}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield msgspec.json.decode(line.removeprefix("data: "), type=ChangeOut)

    def _read(self, view: type[_T], path: str, query: Mapping[str, str] | None = None) -> Reply[_T]:
        raw = self._send("GET", path, None, query or {}, "").content
        return Reply(raw, msgspec.json.decode(raw, type=view))

    def _command(
        self, view: type[_T], method: str, path: str, body: object, query: Mapping[str, str] | None = None
    ) -> Reply[_T]:
        raw = self._send(method, path, body, query or {}, self._mint()).content
        return Reply(raw, msgspec.json.decode(raw, type=view))

    def _send(self, method: str, path: str, body: object, query: Mapping[str, str], key: str) -> "httpx.Response":
        """One call, made again under its key when the connection breaks: also when the control plane has moved."""
        headers = {"idempotency-key": key} if key else {}
        content = None if body is None else msgspec.json.encode(body)
        for _ in range(TRIES_MAX):
            try:
                answer = self._http.request(method, path, params=dict(query), content=content, headers=headers)
            except self._errors:
                threading.Event().wait(PAUSE_S)
                self._http.base_url = read_server(self._state).address
                continue
            return _checked(answer)
        raise NotRunningError(self._state)

    @contextmanager
    def _stream(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Generator["httpx.Response"]:
        """An answer that is read as it comes, however long nothing does."""
        try:
            with self._http.stream("GET", path, params=dict(query), headers=dict(headers), timeout=None) as answer:
                if answer.status_code >= ERROR_STATUS_MIN:
                    answer.read()
                yield _checked(answer)
        except self._errors as error:
            raise NotRunningError(self._state) from error


def _checked(answer: "httpx.Response") -> "httpx.Response":
    """An answer that is a yes.

    Raises:
        RefusedError: it is a no.
    """
    if answer.status_code < ERROR_STATUS_MIN:
        return answer
    try:
        refusal = msgspec.json.decode(answer.content, type=RefusalReply).refusal
    except msgspec.MsgspecError:
        refusal = edge_refusal(EdgeCode.FAULT, "answer", f"HTTP {answer.status_code} without a refusal")
    raise RefusedError(refusal, answer.content)


def _said(**query: str) -> dict[str, str]:
    """A query without what was not said."""
    return {name: text for name, text in query.items() if text}


def _part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
