"""Serves the model that `train.py` trains, over HTTP, and takes up newer checkpoints as they appear.

    python examples/serve.py --checkpoint-dir DIR
    curl -d '{"prompt": "A contract ", "max_tokens": 40}' http://127.0.0.1:29400/generate

GET /health answers 200 once a model is loaded, 503 before; POST /generate and POST /v1/completions continue a prompt.
Ends with 143 after SIGTERM, when the answers under way have been given.
"""

from __future__ import annotations

import os

# Set before numpy is first imported, wherever that is: many of these share a machine.
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from checkpoint import load_latest
from launch import EXIT_BAD_INPUT, EXIT_STOPPED, StopSignal, read_launch
from model import Shape, Vector, generate, initial_parameters, shape_of_sizes

if TYPE_CHECKING:
    from collections.abc import Generator

BODY_BYTES_MAX = 64 * 1024
PROMPT_BYTES_MAX = 8 * 1024
MAX_TOKENS_MAX = 512
MAX_TOKENS_DEFAULT = 64
TEMPERATURE_MAX = 2.0
TEMPERATURE_DEFAULT = 0.5
SEED_MAX = 2**32 - 1
IDLE_SECONDS_MAX = 30.0
"""How long a connection may say nothing; a router that keeps connections opens a new one then."""
DRAIN_SECONDS_MAX = 5.0
RELOAD_SECONDS = 1.0


class BadRequestError(Exception):
    """The request asks for something that is not offered; the text says what is."""


@dataclass(frozen=True)
class Loaded:
    """A model that answers, and the training step it comes from (0 is untrained)."""

    step: int
    shape: Shape
    flat: Vector


@dataclass(frozen=True)
class Ask:
    """A request whose every figure is within its bounds."""

    prompt: bytes
    max_tokens: int
    temperature: float
    seed: int


class ModelServer(ThreadingHTTPServer):
    """Answers requests, each connection in its own thread, with whichever model was loaded last."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], replica: str, loaded: Loaded | None) -> None:
        """Listen at once; without a model every answer is 503."""
        self.loaded = loaded
        self.replica = replica
        self._answering = 0
        self._idle = threading.Condition()
        super().__init__(address, Handler)

    @contextmanager
    def answering(self) -> Generator[None, None, None]:
        """Count a request that a stop must wait for."""
        with self._idle:
            self._answering += 1
        try:
            yield
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def drain(self) -> None:
        """Accept nothing more and let the answers under way be given, within a limit."""
        self.shutdown()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._answering == 0, DRAIN_SECONDS_MAX)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS_MAX
    # Headers and body leave in one segment; a separate small one would wait for the peer's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer GET /health."""
        server = cast("ModelServer", self.server)
        with server.answering():
            if self.path != "/health":
                self._answer(HTTPStatus.NOT_FOUND, {"error": "GET /health is all there is to get"})
            elif server.loaded is None:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "no model is loaded yet"})
            else:
                self._answer(HTTPStatus.OK, {"model_step": server.loaded.step, "replica": server.replica})

    def do_POST(self) -> None:
        """Answer POST /generate and POST /v1/completions."""
        server = cast("ModelServer", self.server)
        with server.answering():
            try:
                ask = parse_ask(self._body())
            except BadRequestError as error:
                # What was not read of the body would be taken for the next request.
                self.close_connection = True
                self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
                return
            if self.path not in _ANSWERS:
                self._answer(HTTPStatus.NOT_FOUND, {"error": f"post to one of {', '.join(_ANSWERS)}"})
            elif server.loaded is None:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "no model is loaded yet"})
            else:
                self._answer(HTTPStatus.OK, _ANSWERS[self.path](ask, server.loaded, server.replica))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's.
        """Write nothing: a line per request would fill the run's log."""

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            msg = "send a Content-Length"
            raise BadRequestError(msg)
        if len(length) > len(str(BODY_BYTES_MAX)) or int(length) > BODY_BYTES_MAX:
            msg = f"the body may have {BODY_BYTES_MAX} bytes"
            raise BadRequestError(msg)
        return self.rfile.read(int(length))

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()


def parse_ask(body: bytes) -> Ask:
    """The request in a body, with every bound checked.

    Raises:
        BadRequestError: it is no JSON object, or a value is of the wrong kind or out of its bounds.
    """
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = "the body is no JSON"
        raise BadRequestError(msg) from error
    fields = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    text = fields.get("prompt")
    if not isinstance(text, str):
        msg = 'send a JSON object such as {"prompt": "A contract ", "max_tokens": 40}'
        raise BadRequestError(msg)
    prompt = text.encode("utf-8", "replace")
    if len(prompt) > PROMPT_BYTES_MAX:
        msg = f"the prompt may have {PROMPT_BYTES_MAX} bytes, not {len(prompt)}"
        raise BadRequestError(msg)
    return Ask(
        prompt=prompt,
        max_tokens=_whole(fields, "max_tokens", MAX_TOKENS_DEFAULT, 1, MAX_TOKENS_MAX),
        temperature=_temperature(fields.get("temperature", TEMPERATURE_DEFAULT)),
        seed=_whole(fields, "seed", 0, 0, SEED_MAX),
    )


def _whole(fields: dict[str, object], name: str, default: int, least: int, most: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        msg = f"{name} must be a whole number from {least} to {most}"
        raise BadRequestError(msg)
    return value


def _temperature(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= TEMPERATURE_MAX:
        msg = f"temperature must be a number from 0 to {TEMPERATURE_MAX:g}"
        raise BadRequestError(msg)
    return float(value)


def _text(ask: Ask, loaded: Loaded) -> str:
    tokens = generate(loaded.flat, loaded.shape, ask.prompt, ask.max_tokens, ask.temperature, ask.seed)
    return tokens.decode("utf-8", "replace")


def _generated(ask: Ask, loaded: Loaded, replica: str) -> dict[str, Any]:
    return {"text": _text(ask, loaded), "model_step": loaded.step, "replica": replica}


def _completed(ask: Ask, loaded: Loaded, replica: str) -> dict[str, Any]:
    """The shape of OpenAI's completions, so that existing clients work; one token is one byte."""
    return {
        "id": f"cmpl-{time.time_ns()}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": f"multihome-example-step-{loaded.step}",
        "choices": [{"index": 0, "text": _text(ask, loaded), "finish_reason": "length", "logprobs": None}],
        "usage": {
            "prompt_tokens": len(ask.prompt),
            "completion_tokens": ask.max_tokens,
            "total_tokens": len(ask.prompt) + ask.max_tokens,
        },
        "model_step": loaded.step,
        "replica": replica,
    }


_ANSWERS = {"/generate": _generated, "/v1/completions": _completed}


def follow(server: ModelServer, directory: Path, stop: StopSignal) -> None:
    """Load each newer checkpoint as it appears, until asked to stop."""
    while not stop.asked():
        known = server.loaded.step if server.loaded else -1
        newer = load_latest(directory, newer_than=known)
        if newer is not None:
            server.loaded = Loaded(newer.step, shape_of_sizes(newer.arrays["shape"]), newer.arrays["flat"])
            print(f"loaded step {newer.step}", flush=True)
        stop.wait(RELOAD_SECONDS)


def main() -> int:
    """Serve until asked to stop; the exit code."""
    # Held back before any thread starts, so that only `follow` ever sees a SIGTERM.
    stop = StopSignal()
    parser = argparse.ArgumentParser(description="Serve the model that train.py trains.")
    parser.add_argument("--checkpoint-dir", type=Path, help="default: MULTIHOME_MODEL_DIR")
    parser.add_argument("--allow-untrained", action="store_true", help="answer before the first checkpoint appears")
    arguments = parser.parse_args()
    try:
        launch = read_launch()
    except ValueError as error:
        print(f"bad input: {error}", flush=True)
        return EXIT_BAD_INPUT
    directory = arguments.checkpoint_dir or launch.model_dir
    if directory is None:
        parser.error("name a --checkpoint-dir, or set MULTIHOME_MODEL_DIR")
    untrained = Loaded(0, Shape(), initial_parameters(Shape(), seed=1)) if arguments.allow_untrained else None
    server = ModelServer((launch.addresses[0], launch.port), launch.replica, untrained)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"listening on http://{launch.addresses[0]}:{launch.port}", flush=True)
    follow(server, directory, stop)
    server.drain()
    return EXIT_STOPPED


if __name__ == "__main__":
    sys.exit(main())
