"""How needs, offers, notices, awards and judgements look to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from multihome.cli.tables import table_of
from multihome.units.money import format_usd
from multihome.units.time import format_date, format_duration, format_instant
from multihome.views.award_preview import AwardPreview
from multihome.views.needs import NeedRow, NeedsView
from multihome.views.procurement import NoticeRow, NoticesView, OfferRow, OffersView
from multihome.views.was_allowed import Judgement, WasAllowed
from multihome.views.words import clause_text, evidence_text, use_text


def needs(view: NeedsView) -> RenderableType:
    """All needs."""
    table = table_of("need", "accelerators", ">chips", ">granted", ">open", ">accepted", "=by")
    for row in view.needs:
        table.add_row(
            row.need.id,
            ", ".join(row.need.accelerators),
            f"{row.need.chips:,}",
            f"{row.granted_chips:,}",
            f"{row.open_chips:,}",
            f"{row.accepted_chips:,}",
            format_date(row.need.by_ms),
        )
    return table if view.needs else Text("no needs")


def need(row: NeedRow) -> RenderableType:
    """One need."""
    one, took_ms = row.need, row.time_to_capacity_ms
    lines = (
        f"need {one.id} of {one.chips:,} {' or '.join(one.accelerators)}, on record since {format_date(row.since_ms)}",
        f"wanted         {format_date(one.by_ms)} to {format_date(one.until_ms)}, for {use_text(one.use)}",
        f"offers         {', '.join(row.offers) or 'none'}",
        f"notices        {', '.join(row.notices) or 'none'}",
        f"awards         {', '.join(row.awards) or 'none'}",
        f"granted        {row.granted_chips:,} chips, {row.open_chips:,} are still open",
        f"obtainability  {row.obtained_bps / 100:g} %",
        f"accepted       {row.accepted_chips:,} chips",
        f"took           {'not filled yet' if took_ms is None else format_duration(took_ms)}",
        f"source         {one.source}",
    )
    return Text("\n".join(lines))


def offers(view: OffersView) -> RenderableType:
    """All offers."""
    table = table_of("offer", "pool", ">chips", ">taken", ">rate", "starts", "=expires")
    for row in view.offers:
        offer_ = row.offer
        table.add_row(
            offer_.id,
            offer_.pool_id,
            f"{offer_.chips_min:,}-{offer_.chips_max:,}",
            f"{row.taken_chips:,}",
            format_usd(offer_.rate_micro_usd_per_chip_hour),
            f"{format_date(offer_.start_from_ms)} to {format_date(offer_.start_until_ms)}",
            format_date(offer_.expires_ms),
        )
    return table if view.offers else Text("no offers")


def offer(row: OfferRow) -> RenderableType:
    """One offer."""
    one = row.offer
    lines = (
        f"offer {one.id} of {one.provider_id} ({one.firmness.value}), {'open' if row.is_open else 'expired'}",
        f"chips    {one.chips_min:,} to {one.chips_max:,} in steps of {one.chips_step:,} in {one.pool_id}",
        f"taken    {row.taken_chips:,}",
        f"starts   {format_date(one.start_from_ms)} to {format_date(one.start_until_ms)}, {one.lead_days} days' lead",
        f"term     {one.term_days_min} to {one.term_days_max} days",
        f"rate     {format_usd(one.rate_micro_usd_per_chip_hour)} per chip-hour",
        f"use      {use_text(one.use)}, {'new' if one.new_capacity else 'existing'} capacity",
        f"expires  {format_instant(one.expires_ms)}",
        f"source   {one.source}",
    )
    return Text("\n".join(lines))


def notices(view: NoticesView) -> RenderableType:
    """All notices."""
    table = table_of("notice", "clause", "state", ">chips", ">left", "until")
    for row in view.notices:
        until_ms = row.until_ms or row.notice.closes_ms
        table.add_row(
            row.notice.id,
            clause_text(row.notice.clause),
            row.state.replace("_", " "),
            f"{row.notice.terms.chips:,}",
            f"{row.left_chips:,}",
            format_instant(until_ms),
        )
    return table if view.notices else Text("no notices")


def notice(row: NoticeRow) -> RenderableType:
    """One notice: its text, its hash, its answer, and what it leaves to others."""
    lines = [row.text.rstrip("\n"), f"sha256 {row.notice.sha256}"]
    if row.answer is None:
        lines.append(f"open until {format_instant(row.notice.closes_ms)}")
    else:
        lines.append(f"{row.state.replace('_', ' ')} on {format_instant(row.answer.answered_ms)}")
    if row.until_ms:
        lines.append(f"leaves {row.left_chips:,} chips to others until {format_instant(row.until_ms)}")
    for award in row.awards:
        lines.append(f"award {award.id}: {award.terms.chips:,} chips of {award.provider_id} ({award.pool_id})")
        lines.extend(f"  {consequence}" for consequence in award.consequences)
    return Text("\n".join(lines))


def award_preview(view: AwardPreview) -> RenderableType:
    """What an award would do, which nobody made."""
    terms = view.terms
    lines = [
        f"would award {terms.chips:,} {terms.accelerator} of {view.provider_id} in {view.pool_id} (nothing was taken)",
        f"term       {format_date(terms.starts_ms)} to {format_date(terms.ends_ms)}",
        f"rate       {format_usd(terms.rate_micro_usd_per_chip_hour)} per chip-hour",
        *(f"permitted  {evidence_text(one)}" for one in view.evidence),
        *(f"cap        {clause_text(one.clause)}: {one.text}" for one in view.caps),
        *(f"due        {clause_text(one.clause)}: {one.text}" for one in view.consequences),
    ]
    return Text("\n".join(lines))


def was_allowed(view: WasAllowed) -> RenderableType:
    """Both judgements, with their reasons."""
    head = f"{view.kind} {view.subject}"
    then = _judged(f"by what was on record on {format_instant(view.as_of_ms)}", view.then)
    return Group(Text(head), Text(then), Text(_judged("by what is known now", view.now)))


def _judged(how: str, judged: Judgement) -> str:
    word = judged.verdict.value.replace("_", " ")
    return "\n".join((f"{how}: {word}", *(f"  {reason}" for reason in judged.reasons)))
