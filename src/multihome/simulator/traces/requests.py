"""Requests to an inference service, one by one, become demand over time in windows of one length."""

from array import array

from multihome.simulator.traces.facts import TraceDemand
from multihome.simulator.traces.rows import Problems

WINDOWS_MAX = 1_000_000
"""Windows of one trace, empty ones among them."""

TOKENS_MAX = 100_000_000
"""Tokens of one request, in or out."""


class Requests:
    """Arrivals with their tokens, in the order of the file, as columns."""

    def __init__(self) -> None:
        self.at_ms = array("q")
        self.input_tokens = array("q")
        self.output_tokens = array("q")

    def add(self, at_ms: int, input_tokens: int, output_tokens: int) -> None:
        """One more request."""
        self.at_ms.append(at_ms)
        self.input_tokens.append(input_tokens)
        self.output_tokens.append(output_tokens)


def windows(service: str, requests: Requests, start_ms: int, window_ms: int, problems: Problems) -> list[TraceDemand]:
    """Demand from `start_ms` to the last request, window after window; no request comes before `start_ms`."""
    assert window_ms > 0, "a window has a length"
    if not requests.at_ms:
        return []
    count = (max(requests.at_ms) - start_ms) // window_ms + 1
    if count > WINDOWS_MAX:
        wrong = f"spans {count:,} windows of {window_ms:,} ms, and at most {WINDOWS_MAX:,} are held (WINDOWS_MAX)"
        problems.whole_file(wrong, "choose longer windows, or correct the times")
        return []
    number, tokens_in, tokens_out = [0] * count, [0] * count, [0] * count
    for at_ms, input_tokens, output_tokens in zip(
        requests.at_ms, requests.input_tokens, requests.output_tokens, strict=True
    ):
        index = (at_ms - start_ms) // window_ms
        number[index] += 1
        tokens_in[index] += input_tokens
        tokens_out[index] += output_tokens
    sums = zip(number, tokens_in, tokens_out, strict=True)
    return [TraceDemand(service, index * window_ms, window_ms, *three) for index, three in enumerate(sums)]
