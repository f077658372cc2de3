"""A byte-level language model small enough for a laptop's spare moments, with gradients written out by hand.

Embedding of a window of bytes, one hidden layer, a distribution over the next byte. All parameters live in one flat
vector, because that is what a gang sums, an optimiser walks over, and a checkpoint stores. Knows no file and no socket.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

VOCABULARY = 256
"""One token is one byte, so that no tokenizer has to travel with a checkpoint."""
PADDING = b"\n"
"""Stands to the left of a prompt that is shorter than the window; a line's end is what precedes most texts."""


@dataclass(frozen=True)
class Shape:
    """The sizes that decide how many parameters there are: bytes of context, embedding size, hidden width."""

    context: int = 16
    embedding: int = 12
    width: int = 64

    def blocks(self) -> dict[str, tuple[int, ...]]:
        """The named blocks of the flat vector, in the order in which they lie in it."""
        return {
            "embedding": (VOCABULARY, self.embedding),
            "hidden_weight": (self.context * self.embedding, self.width),
            "hidden_bias": (self.width,),
            "output_weight": (self.width, VOCABULARY),
            "output_bias": (VOCABULARY,),
        }

    def size(self) -> int:
        """How many parameters the flat vector holds."""
        return sum(math.prod(block) for block in self.blocks().values())


def sizes_of_shape(shape: Shape) -> NDArray[np.int64]:
    """A shape as a checkpoint stores it."""
    return np.array([shape.context, shape.embedding, shape.width], dtype=np.int64)


def shape_of_sizes(sizes: NDArray[np.int64]) -> Shape:
    """The shape that a checkpoint stored."""
    context, embedding, width = (int(size) for size in sizes)
    return Shape(context, embedding, width)


def views(flat: Vector, shape: Shape) -> dict[str, Vector]:
    """The blocks of a flat vector, without copying: writing to a block writes to the vector."""
    blocks: dict[str, Vector] = {}
    start = 0
    for name, block in shape.blocks().items():
        end = start + math.prod(block)
        blocks[name] = flat[start:end].reshape(block)
        start = end
    return blocks


def initial_parameters(shape: Shape, seed: int) -> NDArray[np.float32]:
    """Random float32 parameters whose first guess is close to even odds, a loss of ln 256 = 5.55."""
    generator = np.random.default_rng(seed)
    flat = np.zeros(shape.size(), dtype=np.float32)
    blocks = views(flat, shape)
    blocks["embedding"][:] = generator.normal(0.0, 0.5, blocks["embedding"].shape)
    blocks["hidden_weight"][:] = generator.normal(0.0, 1.0, blocks["hidden_weight"].shape) / math.sqrt(
        shape.context * shape.embedding
    )
    blocks["output_weight"][:] = generator.normal(0.0, 0.02, blocks["output_weight"].shape)
    return flat


def loss_and_gradient(flat: Vector, shape: Shape, windows: Bytes, targets: Bytes) -> tuple[float, Vector]:
    """The mean cross-entropy in nats of the next byte, and its gradient as a flat vector of the parameters' type.

    `windows` is (samples, context) and `targets` is (samples,), both bytes.
    """
    samples = len(targets)
    rows = np.arange(samples)
    blocks = views(flat, shape)
    embedded = blocks["embedding"][windows].reshape(samples, -1)
    hidden = np.tanh(embedded @ blocks["hidden_weight"] + blocks["hidden_bias"])
    probabilities = _softmax(hidden @ blocks["output_weight"] + blocks["output_bias"])
    loss = float(-np.log(probabilities[rows, targets]).mean(dtype=np.float64))

    flat_gradient = np.empty_like(flat)
    gradient = views(flat_gradient, shape)
    at_logits = probabilities
    at_logits[rows, targets] -= 1.0
    at_logits /= samples
    gradient["output_weight"][:] = hidden.T @ at_logits
    gradient["output_bias"][:] = at_logits.sum(axis=0)
    at_hidden = (at_logits @ blocks["output_weight"].T) * (1.0 - hidden * hidden)
    gradient["hidden_weight"][:] = embedded.T @ at_hidden
    gradient["hidden_bias"][:] = at_hidden.sum(axis=0)
    at_embedded = (at_hidden @ blocks["hidden_weight"].T).reshape(-1, shape.embedding)
    gradient["embedding"][:] = 0.0
    np.add.at(gradient["embedding"], windows.reshape(-1), at_embedded)
    return loss, flat_gradient


def generate(flat: Vector, shape: Shape, prompt: bytes, tokens: int, temperature: float, seed: int) -> bytes:
    """`tokens` further bytes after `prompt`. A temperature of 0 takes the likeliest byte; a seed repeats its text."""
    generator = np.random.default_rng(seed)
    blocks = views(flat, shape)
    text = bytearray(prompt.rjust(shape.context, PADDING))
    for _ in range(tokens):
        window = np.frombuffer(bytes(text[-shape.context :]), dtype=np.uint8)
        embedded = blocks["embedding"][window].reshape(-1)
        hidden = np.tanh(embedded @ blocks["hidden_weight"] + blocks["hidden_bias"])
        logits = hidden @ blocks["output_weight"] + blocks["output_bias"]
        if temperature > 0:
            # Adding Gumbel noise and taking the largest samples from the softmax without normalising it.
            logits = logits / temperature + generator.gumbel(size=VOCABULARY)
        text.append(int(np.argmax(logits)))
    return bytes(text[len(text) - tokens :])


@dataclass
class Adam:
    """The optimiser of Kingma and Ba (2014), algorithm 1, with its two moments as flat vectors."""

    first: NDArray[np.float32]
    second: NDArray[np.float32]
    learning_rate: float = 8e-3
    decay_first: float = 0.9
    decay_second: float = 0.99
    epsilon: float = 1e-8

    def update(self, flat: NDArray[np.float32], gradient: NDArray[np.float32], step: int) -> None:
        """Move the parameters in place; `step` counts from 1 and undoes the moments' bias towards zero."""
        self.first += (1.0 - self.decay_first) * (gradient - self.first)
        self.second += (1.0 - self.decay_second) * (gradient * gradient - self.second)
        scale = self.learning_rate / (1.0 - self.decay_first**step)
        unbiased = self.second / np.float32(1.0 - self.decay_second**step)
        flat -= np.float32(scale) * self.first / (np.sqrt(unbiased) + np.float32(self.epsilon))


def _softmax(logits: Vector) -> Vector:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
