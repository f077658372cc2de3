"""All commands under their names."""

import typer

from multihome.cli import acting, asking, checking, contracts, procuring, proving, sequences, serving, simulating
from multihome.cli.errors import FAILED, telling
from multihome.cli.launchers import Launchers

_COMMANDS = {
    "up": serving.up,
    "down": serving.down,
    "apply": acting.apply,
    "diff": acting.diff,
    "submit": acting.submit,
    "status": asking.status,
    "explain": asking.explain,
    "logs": asking.logs,
    "cancel": acting.cancel,
    "override": acting.override,
    "drain": acting.drain,
    "undrain": acting.undrain,
    "report": asking.report,
    "market": asking.market,
    "award": procuring.award,
    "was-allowed": procuring.was_allowed,
    "backup": serving.backup,
    "restore": serving.restore,
    "demo": serving.demo,
    "campaign": serving.campaign,
    "simulate": simulating.simulate,
    "version": serving.version,
}

_GROUPS = (
    (
        "provider",
        "Whether a provider is to be used.",
        {
            "declare-lost": acting.declare_lost,
            "restore": acting.restore_provider,
        },
    ),
    (
        "contract",
        "Contracts, their clauses and their deadlines.",
        {
            "list": contracts.contract_list,
            "show": contracts.contract_show,
            "calendar": contracts.contract_calendar,
            "check": checking.contract_check,
            "breach": sequences.contract_breach,
            "cure": sequences.contract_cure,
            "terminate": sequences.contract_terminate,
        },
    ),
    (
        "tranche",
        "Deliveries, from order to capacity.",
        {"move": sequences.tranche_move, "show": sequences.tranche_show},
    ),
    (
        "credit",
        "What providers owe back.",
        {"list": sequences.credit_list, "claim": sequences.credit_claim},
    ),
    (
        "need",
        "Capacity that is wanted, and what became of it.",
        {"list": procuring.need_list, "show": procuring.need_show, "ask": procuring.need_ask},
    ),
    (
        "offer",
        "What providers would sell.",
        {"add": acting.apply, "list": procuring.offer_list, "show": procuring.offer_show},
    ),
    (
        "notice",
        "Holders of first refusals: what they were asked, and said.",
        {"serve": procuring.notice_serve, "answer": procuring.notice_answer, "show": procuring.notice_show},
    ),
    ("clock", "The scenario clock.", {"show": asking.clock_show, "advance": acting.clock_advance}),
    ("drill", "Outages on purpose.", {"outage": serving.drill_outage, "restore": serving.drill_restore}),
    ("evidence", "Proof for others.", {"export": proving.evidence_export}),
    (
        "head",
        "The journal's last record, signed, so that nobody can rewrite what came before.",
        {
            "sign": proving.head_sign,
            "publish": proving.head_publish,
            "stamp": proving.head_stamp,
            "key": proving.head_key,
        },
    ),
    ("audit", "The journal against the invariants.", {"verify": serving.audit_verify}),
)


def command_line() -> typer.Typer:
    """Every command under its name. Help is plain text: markup would cost 0.2 CPU-s."""
    app = _group("The control plane for AI compute bought from several providers under real contracts.")
    for name, command in _COMMANDS.items():
        app.command(name)(telling(command))
    for group, text, commands in _GROUPS:
        inner = _group(text)
        for name, command in commands.items():
            inner.command(name)(telling(command))
        app.add_typer(inner, name=group)
    return app


def run(launchers: Launchers) -> None:
    """Run the command that the arguments name, and exit."""
    try:
        command_line()(obj=launchers, prog_name="multihome")
    except BrokenPipeError:
        raise SystemExit(FAILED) from None


def _group(text: str) -> typer.Typer:
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
