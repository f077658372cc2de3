"""The port `Engine` on this machine; see the package for the rules that hold on disk."""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from multihome.adapters.engine_local.environment import control_plane_environ, read_secrets
from multihome.adapters.engine_local.fencing import raise_generation
from multihome.adapters.engine_local.launching import (
    TOKEN,
    SilentError,
    Site,
    UndecidedError,
    check_intent,
    check_not_silent,
    claim,
    clear_staging,
    is_known,
    reap,
    start,
)
from multihome.adapters.engine_local.layout import Layout, component, locked
from multihome.adapters.engine_local.output import read_output
from multihome.adapters.engine_local.records import Standing, read_intent, standing_of
from multihome.adapters.engine_local.reports import report_of
from multihome.adapters.engine_local.settings import (
    LOCK_MS_MAX,
    RETRY_AFTER_MS,
    EngineSettings,
    Failpoint,
    no_failpoint,
)
from multihome.adapters.engine_local.stopping import stop_run
from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.runs import Inventory, LaunchIntent, ReportState, RunReport
from multihome.ports.clock import Clock
from multihome.ports.engine import EngineClass, EngineUnavailableError, LaunchRefusedError

_DEFAULTS = EngineSettings()


class LocalEngine:
    """One provider's runs on this machine. Calls may come from several threads, and from several control planes."""

    def __init__(
        self,
        root: Path,
        provider_id: ProviderId,
        clock: Clock,
        settings: EngineSettings = _DEFAULTS,
        failpoint: Failpoint = no_failpoint,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Use the state directory `root`, made if it is not there, and adopt what runs in it.

        Raises:
            OSError: the directory cannot be made.
        """
        layout = Layout(root.absolute(), provider_id)
        layout.create()
        known_environ = control_plane_environ() if environ is None else environ
        self._site = Site(layout, clock, settings, known_environ, failpoint)
        self._intents: dict[str, LaunchIntent] = {}
        self._ended: dict[str, RunReport] = {}
        clear_staging(self._site)

    @property
    def provider_id(self) -> ProviderId:
        """The provider whose pools this engine executes for."""
        return self._site.layout.provider_id

    @property
    def engine_class(self) -> EngineClass:
        """A run directory's name is the run's."""
        return EngineClass.NAMED

    def launch(self, intent: LaunchIntent) -> None:
        """Start all ranks of a run or none; returns when all are up. A repeat of a known run changes nothing.

        Raises:
            LaunchRefusedError: nothing was started, and nothing will be under this run's name.
            EngineUnavailableError: nobody knows.
        """
        layout = self._site.layout
        with self._answering("launch", intent.run_id):
            check_intent(intent, self._site)
            if not is_known(intent, layout):
                read_secrets(intent.secrets, layout, self._site.environ)
                self._claim(intent)
            if layout.run(intent.run_id).exists():
                start(intent, self._site)

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        """Ask a run to end with SIGTERM, and kill it after the grace; returns at once.

        A run that is not there leaves a tombstone: a later launch of the same generation is refused.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        with self._answering("stop", run_id):
            stop_run(self._site.layout, self._site.clock, run_id, generation, grace_ms)

    def observe(self) -> Inventory:
        """Every run that is not forgotten.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        with self._answering("observe", self.provider_id):
            names = sorted(os.listdir(self._site.layout.runs))  # noqa: PTH208 - names are all that is wanted
            for gone in (self._intents.keys() | self._ended.keys()) - set(names):
                self._intents.pop(gone, None)
                self._ended.pop(gone, None)
            reports = [report for name in names if (report := self._report(name)) is not None]
            # What went away since the names were read is not foreign.
            others = [name for name in names if self._intent(name) is None]
            foreign = tuple(name for name in others if (self._site.layout.runs / name).exists())
            return Inventory(provider_id=self.provider_id, reports=tuple(reports), foreign=foreign)

    def forget(self, run_id: RunId) -> None:
        """Stop reporting an ended run; its logs stay. One that lives, or is not there, stays as it is.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        layout = self._site.layout
        with self._answering("forget", run_id), locked(layout.lock, self._site.clock, LOCK_MS_MAX):
            run_dir = layout.run(run_id)
            if standing_of(run_dir) is Standing.ENDED:
                run_dir.rename(layout.ended_run(run_id))

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        """Refuse checkpoint writes below this generation for one unit of a workload, wherever the writer runs.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        with self._answering("fence", checkpoint_key):
            raise_generation(self._site.layout, self._site.clock, checkpoint_key, generation)

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        """Chunks of a rank's output from a byte offset, as far as it has been written; nothing for an unknown run.

        Raises:
            EngineUnavailableError: nobody knows.
        """
        layout = self._site.layout
        with self._answering("logs", run_id):
            run_dir = layout.run(run_id)
            return read_output(run_dir if run_dir.exists() else layout.ended_run(run_id), rank, follow_from)

    def _claim(self, intent: LaunchIntent) -> None:
        """Claim a run; what the disk does not allow is a refusal, unless another has claimed it meanwhile."""
        try:
            claim(intent, self._site)
        except OSError as error:
            if self._site.layout.run(intent.run_id).exists():
                raise
            raise LaunchRefusedError(str(error)) from error

    def _report(self, name: str) -> RunReport | None:
        report = self._ended.get(name)
        if report is not None:
            return report
        intent = self._intent(name)
        if intent is None:
            return None
        report = report_of(intent, self._site.layout, self._site.clock)
        if report is not None and report.state is ReportState.ENDED:
            self._ended[name] = report
        return report

    def _intent(self, name: str) -> LaunchIntent | None:
        """The intent of what lies under `runs/`; None for what is not ours."""
        intent = self._intents.get(name)
        if intent is None:
            intent = read_intent(self._site.layout.runs / name)
            if intent is None or not self._is_ours(intent, name):
                return None
            self._intents[name] = intent
        return intent

    def _is_ours(self, intent: LaunchIntent, name: str) -> bool:
        fits = component(intent.run_id) == name and intent.provider_id == self.provider_id
        return fits and TOKEN.fullmatch(intent.token) is not None

    @contextmanager
    def _answering(self, action: str, subject: str) -> Generator[None]:
        """Answer a call, or say that nobody knows what became of it. Shims that have ended are reaped on the way."""
        reap()
        try:
            check_not_silent(self._site.layout)
            yield
        except (OSError, msgspec.DecodeError, UndecidedError, SilentError) as error:
            raise EngineUnavailableError(action, subject, RETRY_AFTER_MS) from error
