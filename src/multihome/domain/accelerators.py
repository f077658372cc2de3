"""Accelerator types, and the spellings people use for them.

One canonical form is stored. A TPU suffix counts TensorCores in some generations and chips in others; it is resolved
here and shown to whoever asked.
"""

import difflib
import re
from enum import StrEnum

import msgspec

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName


class AcceleratorKind(StrEnum):
    """Which family of frameworks a chip runs without porting."""

    GPU = "gpu"
    TPU = "tpu"
    CUSTOM = "custom"


class AcceleratorType(Fact, frozen=True, kw_only=True):
    """One chip as its data sheet has it; what no public source states is named in `assumed`.

    Units: FLOP/s dense, bytes, bytes per second, watts. `scale_up_chips` is the size of one fast island (8 for an HGX
    board, 72 for NVL72), not of a training fabric.
    """

    name: AcceleratorName
    vendor: str
    generation: str
    kind: AcceleratorKind
    released: str
    bf16_flops: int
    fp8_flops: int | None = None
    hbm_bytes: int
    hbm_bytes_per_s: int
    watts: int
    scale_up_chips: int
    frameworks: tuple[str, ...] = ()
    source: str
    as_of: str
    assumed: tuple[str, ...] = ()


class AcceleratorRequest(msgspec.Struct, frozen=True):
    """A parsed spelling: the canonical name, the chips it stands for, and what was resolved on the way."""

    name: AcceleratorName
    chips: int
    note: str


_SPELLINGS = {
    "A100": "A100-SXM-40GB",
    "A100-40GB": "A100-SXM-40GB",
    "A100-80GB": "A100-SXM-80GB",
    "A100-80GB-SXM": "A100-SXM-80GB",
    "H100": "H100-SXM-80GB",
    "H100-80GB": "H100-SXM-80GB",
    "H100-SXM": "H100-SXM-80GB",
    "H100-SXM5": "H100-SXM-80GB",
    "H100-80GB-HBM3": "H100-SXM-80GB",
    "H200": "H200-SXM-141GB",
    "H200-SXM": "H200-SXM-141GB",
    "H200-141GB": "H200-SXM-141GB",
    "B200": "B200-SXM-180GB",
    "B200-SXM": "B200-SXM-180GB",
    "B200-180GB": "B200-SXM-180GB",
    "GB200": "GB200-NVL72",
    "GB300": "GB300-NVL72",
    "MI300X": "MI300X-OAM-192GB",
    "MI325X": "MI325X-OAM-256GB",
    "MI355X": "MI355X-OAM-288GB",
    "TPU-V4": "TPU-v4",
    "TPU-V5E": "TPU-v5e",
    "TPU-V5LITE": "TPU-v5e",
    "TPU-V5P": "TPU-v5p",
    "TPU-V6E": "TPU-v6e",
    "TRILLIUM": "TPU-v6e",
    "TPU-V7": "TPU-v7",
    "TPU7X": "TPU-v7",
    "IRONWOOD": "TPU-v7",
    "MAIA-200": "Maia-200",
}

# A slice name carries its size: cores per chip 2 where the suffix counts TensorCores, 1 where it counts chips.
# Source: Google Cloud TPU documentation, "TPU configurations" of v4, v5e, v5p and v6e, read 2025.
_SLICE = re.compile(r"^(?:tpu-)?(v2|v3|v4|v5p|v5litepod|v5e|v6e)-(\d+)$", re.IGNORECASE)
_SLICE_NAMES = {
    "v2": ("TPU-v2", 2),
    "v3": ("TPU-v3", 2),
    "v4": ("TPU-v4", 2),
    "v5p": ("TPU-v5p", 2),
    "v5litepod": ("TPU-v5e", 1),
    "v5e": ("TPU-v5e", 1),
    "v6e": ("TPU-v6e", 1),
}


def parse_accelerator(text: str, known: frozenset[AcceleratorName]) -> AcceleratorRequest:
    """Resolve `H100:8`, `A100-80GB:8`, `tpu-v5p-8` or `v5litepod-16` to a canonical name and a number of chips.

    Raises:
        ValueError: nothing known is spelt like that (the closest names are in the message), or the number is not a
            whole number of chips.
    """
    label, separator, count_text = text.strip().partition(":")
    slice_match = _SLICE.match(label)
    if slice_match:
        name, cores_per_chip = _SLICE_NAMES[slice_match[1].lower()]
        chips, rest = divmod(int(slice_match[2]), cores_per_chip)
        if rest or not chips:
            msg = f"{text!r} names {slice_match[2]} TensorCores, and a {name} chip has {cores_per_chip}"
            raise ValueError(msg)
        slices = _whole(count_text, text) if separator else 1
        unit = "TensorCores, two to a chip" if cores_per_chip == 2 else "chips"  # noqa: PLR2004 -- two is the word itself
        return AcceleratorRequest(_known(name, known), chips * slices, f"{text}: the suffix counts {unit}")
    chips = _whole(count_text, text) if separator else 1
    return AcceleratorRequest(_known(label, known), chips, "")


def canonical_name(label: str, known: frozenset[AcceleratorName]) -> AcceleratorName:
    """The stored name of an accelerator however it was spelt.

    Raises:
        ValueError: nothing known is spelt like that; the closest names are in the message.
    """
    return _known(label, known)


def _whole(count_text: str, text: str) -> int:
    if not count_text.isascii() or not count_text.isdigit() or int(count_text) == 0:
        msg = f"{text!r} needs a whole number of chips after the colon, like H100:8"
        raise ValueError(msg)
    return int(count_text)


def _known(label: str, known: frozenset[AcceleratorName]) -> AcceleratorName:
    folded = {name.upper(): name for name in known}
    wanted = _SPELLINGS.get(label.upper(), label)
    if wanted.upper() in folded:
        return folded[wanted.upper()]
    choices = sorted(known) + sorted(short for short, name in _SPELLINGS.items() if name in known)
    close = difflib.get_close_matches(label.upper(), [choice.upper() for choice in choices], n=3, cutoff=0.5)
    by_upper = {choice.upper(): choice for choice in choices}
    hint = f"; did you mean {' or '.join(by_upper[match] for match in close)}?" if close else ""
    msg = f"no accelerator is known as {label!r}{hint} (known: {', '.join(sorted(known)) or 'none'})"
    raise ValueError(msg)
