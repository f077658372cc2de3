"""Azure's traces of LLM inference as CSV: `TIMESTAMP,ContextTokens,GeneratedTokens`, one row a request.

Source: Azure/AzurePublicDataset, 2023 (Patel et al., Splitwise, ISCA 2024) and 2024. Times are UTC; the trace starts
with its first request. The service is called as the file is.
"""

from pathlib import PurePath

from multihome.simulator.traces.arranging import trace_of_demand
from multihome.simulator.traces.facts import ReadSettings, Trace
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.requests import TOKENS_MAX, Requests, windows
from multihome.simulator.traces.rows import Problems, header_of, rows_of

NAME = "azure-llm"
COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def detect(head: str) -> bool:
    """Say whether a file begins like one of these."""
    return set(COLUMNS) <= set(head.split("\n", 1)[0].strip().split(","))


def read(text: TraceText, settings: ReadSettings) -> Trace:
    """Requests, summed over windows from the first of them on."""
    problems = Problems(text.file)
    layout = header_of(text.lines, ",", COLUMNS, problems)
    requests = Requests()
    if not problems.found:
        arrived, context, generated = map(layout.index, COLUMNS)
        for row in rows_of(text.lines, 2, layout, problems):
            at_ms = row.instant(arrived)
            tokens = row.whole(context, 0, TOKENS_MAX), row.whole(generated, 0, TOKENS_MAX)
            if row.is_sound:
                requests.add(at_ms, *tokens)
    start_ms = min(requests.at_ms, default=0)
    demand = windows(PurePath(text.file).stem, requests, start_ms, settings.window_ms, problems)
    return trace_of_demand(NAME, start_ms, demand, problems)
