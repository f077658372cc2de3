"""The reference of settings: environment variables and limits."""

import re
from itertools import groupby

from multihome.adapters.engine_local.environment import SECRET_VARIABLE_PREFIX
from multihome.adapters.engine_local.settings import EngineSettings
from tools.source import SOURCE, constants, one_line, strings
from tools.tables import code, page, table

_VARIABLE = re.compile(r"\b(?:MULTIHOME|SKYPILOT)_[A-Z_]+\b")

FOR_PROGRAMS = {
    "MULTIHOME_RUN_ID": "the run: `workload.unit.generation`",
    "MULTIHOME_RUN_DIR": "the run's directory",
    "MULTIHOME_TOKEN": "the mark by which every process of the run is known; leave it alone",
    "MULTIHOME_WORKDIR": "this rank's own folder, and where it starts",
    "MULTIHOME_PROGRESS_FILE": "where a program may write `{step, checkpoint_step, resumed_from_step, loss}` as JSON",
    "MULTIHOME_GENERATION": "which attempt of its unit this is; larger fences smaller",
    "MULTIHOME_REPLICA": "which unit of the workload this is, from 0",
    "MULTIHOME_NODE_RANK": "which node of the gang this is, from 0",
    "MULTIHOME_NODE_IPS": "the addresses of all nodes, one a line",
    "MULTIHOME_NODE_IP": "this node's address",
    "MULTIHOME_NUM_NODES": "how many nodes the gang has",
    "MULTIHOME_PORT": "the port of the service, or a free one for the gang's own use",
    "MULTIHOME_ACCELERATOR": "the accelerator's canonical name",
    "MULTIHOME_ACCELERATORS_PER_NODE": "chips of this node",
    "MULTIHOME_CHECKPOINT_DIR": "where the workload's portable checkpoint is kept",
    "MULTIHOME_CHECKPOINT_INTERVAL_STEPS": "how often to save; 0 where the file does not say",
    "MULTIHOME_MODEL_DIR": "the checkpoint that `model_from` names; absent without it",
    "SKYPILOT_TASK_ID": "the run, for programs written for SkyPilot",
    "SKYPILOT_NODE_RANK": "as `MULTIHOME_NODE_RANK`",
    "SKYPILOT_NODE_IPS": "as `MULTIHOME_NODE_IPS`",
    "SKYPILOT_NUM_NODES": "as `MULTIHOME_NUM_NODES`",
    "SKYPILOT_NUM_GPUS_PER_NODE": "as `MULTIHOME_ACCELERATORS_PER_NODE`",
}
"""Variables that a program finds."""

FOR_CONTROL_PLANE: dict[str, str] = {
    "MULTIHOME_STATE": "the state directory, where `--state` is not given",
    SECRET_VARIABLE_PREFIX: "followed by a secret's name: its value, where the file `secrets/NAME` is not there",
    "MULTIHOME_WEBHOOK_HOSTS": "hosts that webhooks may lead to, with commas between; this machine always may",
}
"""Variables that Multihome itself reads."""

FOR_SCENARIOS = {"MULTIHOME_EXAMPLES": "the folder of the example programs; a file's own variable, which the demo sets"}
"""Variables of the scenarios' files, which no engine sets by itself."""


def variables_in_source() -> set[str]:
    """Every environment variable of ours that the source names."""
    return {name for text in strings(SOURCE / "multihome") for name in _VARIABLE.findall(text)}


def settings_page() -> str:
    """Environment variables, the local engine's settings, and every limit by its name."""
    return page(
        "Settings and limits",
        "Multihome has few settings. What a user may choose is an option of a [command](commands.md). A limit has a "
        "name, and the refusal that it causes says that name; it is changed in the source.",
        "## Environment of Multihome",
        table(("variable", "means"), ((code(name), text) for name, text in FOR_CONTROL_PLANE.items())),
        "## Environment of a program",
        "Each node of a run finds these. A file's `envs` and `secrets` are there too; where names collide, these win.",
        table(("variable", "means"), ((code(name), text) for name, text in FOR_PROGRAMS.items())),
        "## Environment of the scenarios",
        table(("variable", "means"), ((code(name), text) for name, text in FOR_SCENARIOS.items())),
        "## The local engine",
        one_line(EngineSettings.__doc__),
        table(
            ("setting", "value"),
            ((code(name), f"{value:,}" if value >= 0 else "no limit") for name, value in _engine_settings().items()),
        ),
        "## Limits and other numbers",
        *_limits(),
    )


def _engine_settings() -> dict[str, int]:
    defaults = EngineSettings()
    return {name: getattr(defaults, name) for name in defaults.__struct_fields__}


def _limits() -> list[str]:
    parts: list[str] = []
    for module, group in groupby(constants("multihome"), key=lambda constant: constant.module):
        # What an hour has in milliseconds is arithmetic, not a setting.
        arithmetic = module.startswith("multihome.units")
        shown = [constant for constant in group if constant.name.endswith("_MAX") or not arithmetic]
        if shown:
            rows = ((code(constant.name), f"{constant.value:,}", constant.text) for constant in shown)
            parts += [f"### {module}", table(("name", "value", "why"), rows)]
    return parts
