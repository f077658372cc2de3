"""Learns how fast models run from the progress that runs report.

A rate is measured from one look to another while a run is up and in sight; what happened out of sight is not counted.
The longer a cell is known, the rarer it is looked at, so that the journal grows with what is new.
"""

from collections.abc import Iterator

from multihome.controller.state import Pace, RunState, State
from multihome.domain import events as ev
from multihome.domain.ids import ProviderId
from multihome.domain.runs import Progress, Running
from multihome.domain.throughputs import cell_key, model_key, model_of
from multihome.scheduling.options.throughput import Cell, learn
from multihome.units.time import MS_PER_MINUTE, Now

LEARN_EVERY_MS = MS_PER_MINUTE
"""The shortest stretch that is measured: reports are a second apart, an error of a few per cent at most."""
LEARN_EVERY_MAX = 30
"""A cell that was looked at so often is measured over stretches so many times as long, and no longer ones."""


def learned(state: State, run: RunState, progress: Progress, now: Now) -> Iterator[ev.Event]:
    """What the progress of a run shows, where it was in sight for long enough and moved."""
    workload = state.workloads.get(run.workload_id)
    if workload is None or run.replaced or run.paced is None or not isinstance(run.phase, Running):
        return
    spec, chips, accelerator = workload.spec, run.allocation.chips, run.allocation.accelerator
    steps, elapsed_ms = progress.step - run.paced.step, now.process_ms - run.paced.process_ms
    of_model = state.learned_rates.get(model_key(spec.tenant_id, model_of(spec)), {})
    before = of_model.get(cell_key(accelerator, chips))
    looks = 1 if before is None else min(LEARN_EVERY_MAX, 1 + before.observations)
    if steps <= 0 or elapsed_ms < looks * LEARN_EVERY_MS:
        return
    rate = learn(state.learned_rates, spec, Cell(accelerator, chips), steps, elapsed_ms, now.contract_ms)
    yield ev.ThroughputLearned(run_id=run.id, step=progress.step, rate=rate)


def throughput_learned(state: State, event: ev.ThroughputLearned, at: Now) -> None:
    """Keep what is known of a cell now, and measure on from here."""
    rate = event.rate
    of_model = state.learned_rates.setdefault(model_key(rate.tenant_id, rate.model), {})
    of_model[cell_key(rate.accelerator, rate.chips)] = rate
    run = state.runs.get(event.run_id)
    if run is not None:
        run.paced = Pace(event.step, at.process_ms)


def pace(run: RunState, progress: Progress, at: Now) -> None:
    """Measure from the first progress on that a run shows while it is in sight: what it did to start is no step."""
    if run.paced is None and isinstance(run.phase, Running):
        run.paced = Pace(progress.step, at.process_ms)


def out_of_sight(state: State, provider_id: ProviderId) -> None:
    """Nobody hears a provider: what its runs do meanwhile, and by which clock, is not measured."""
    for run in state.runs.values():
        if run.allocation.provider_id == provider_id:
            run.paced = None
