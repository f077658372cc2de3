"""Figures for a Prometheus server, gathered where they arise and read when asked for."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from multihome.controller.state import State
from multihome.runtime.service import Service
from multihome.views.status import status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The counters and gauges of one control plane, in a registry of their own."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry(auto_describe=True)
        self.commit_s = self._histogram("multihome_commit_seconds", "Time to make a batch durable")
        self.batch_records = Histogram(
            "multihome_batch_records",
            "Records made durable together",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.http_s = self._histogram("multihome_http_seconds", "Time to the first byte of an answer")
        self.http_answers = Counter(
            "multihome_http_answers", "HTTP answers by method and status", ("method", "status"), registry=self.registry
        )
        self._workloads = self._gauge("multihome_workloads", "Live workloads by state", "state")
        self._runs = self._gauge("multihome_runs", "Runs that may exist, by provider", "provider")
        self._chips_delivered = self._gauge("multihome_chips_delivered", "Chips accepted, by pool", "pool")
        self._chips_used = self._gauge("multihome_chips_used", "Chips taken by runs, by pool", "pool")
        self._alarms = self._gauge("multihome_alarms", "Things a person should look at, by code", "code")
        self._seq = Gauge("multihome_journal_seq", "Number of the last durable record", registry=self.registry)
        self._rounds = Gauge("multihome_rounds", "Placement rounds since the start", registry=self.registry)
        self._round_ms = Gauge(
            "multihome_round_milliseconds",
            "Time to decide the batch of the last placement round",
            registry=self.registry,
        )

    def text(self, service: Service, state: State) -> bytes:
        """Everything in Prometheus's text format, for a durable state."""
        view = status(state, service.runtime.now())
        runs: dict[str, int] = dict.fromkeys(state.providers, 0)
        for run in state.runs.values():
            runs[run.allocation.provider_id] += 1
        codes: dict[str, int] = {}
        for alarm in view.alarms:
            codes[alarm.code] = codes.get(alarm.code, 0) + 1
        _show(self._workloads, view.workload_states)
        _show(self._runs, runs)
        _show(self._chips_delivered, {row.id: row.delivered_chips for row in view.pools})
        _show(self._chips_used, {row.id: row.used_chips for row in view.pools})
        _show(self._alarms, codes)
        self._seq.set(service.runtime.head[0])
        self._rounds.set(service.rounds)
        self._round_ms.set(service.last_round_ms)
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, buckets=_SECONDS, registry=self.registry)

    def _gauge(self, name: str, text: str, label: str) -> Gauge:
        return Gauge(name, text, (label,), registry=self.registry)


def _show(gauge: Gauge, figures: dict[str, int]) -> None:
    """Set a gauge's children to these figures and no others."""
    gauge.clear()
    for label, value in figures.items():
        gauge.labels(label).set(value)
