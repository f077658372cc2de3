"""The spellings people use for accelerators, and what is said of those that nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.accelerators import canonical_name, parse_accelerator
from multihome.domain.ids import AcceleratorName

KNOWN = frozenset(
    AcceleratorName(name)
    for name in (
        "A100-SXM-40GB",
        "A100-SXM-80GB",
        "H100-SXM-80GB",
        "H200-SXM-141GB",
        "B200-SXM-180GB",
        "GB200-NVL72",
        "MI300X-OAM-192GB",
        "TPU-v2",
        "TPU-v4",
        "TPU-v5e",
        "TPU-v5p",
        "TPU-v6e",
        "TPU-v7",
        "Maia-200",
    )
)


@pytest.mark.parametrize(
    ("text", "name", "chips"),
    [
        ("H100:8", "H100-SXM-80GB", 8),
        ("h100:8", "H100-SXM-80GB", 8),
        (" H100:8 ", "H100-SXM-80GB", 8),
        ("H100", "H100-SXM-80GB", 1),
        ("H100-SXM-80GB:4", "H100-SXM-80GB", 4),
        ("A100:8", "A100-SXM-40GB", 8),
        ("A100-80GB:8", "A100-SXM-80GB", 8),
        ("GB200:72", "GB200-NVL72", 72),
        ("tpu-v5p:4", "TPU-v5p", 4),
        ("Trillium:4", "TPU-v6e", 4),
        ("Ironwood", "TPU-v7", 1),
        ("maia-200:2", "Maia-200", 2),
    ],
)
def test_spellings(text: str, name: str, chips: int) -> None:
    request = parse_accelerator(text, KNOWN)
    assert (request.name, request.chips, request.note) == (name, chips, "")


@pytest.mark.parametrize(
    ("text", "name", "chips", "unit"),
    [
        ("tpu-v5p-8", "TPU-v5p", 4, "TensorCores, two to a chip"),
        ("v4-32", "TPU-v4", 16, "TensorCores, two to a chip"),
        ("tpu-v2-8", "TPU-v2", 4, "TensorCores, two to a chip"),
        ("v5litepod-16", "TPU-v5e", 16, "chips"),
        ("tpu-v5e-4", "TPU-v5e", 4, "chips"),
        ("V6E-256", "TPU-v6e", 256, "chips"),
        ("v5p-8:2", "TPU-v5p", 8, "TensorCores, two to a chip"),
        ("v5litepod-16:3", "TPU-v5e", 48, "chips"),
    ],
)
def test_a_slice_counts_cores_in_some_generations_and_chips_in_others(
    text: str, name: str, chips: int, unit: str
) -> None:
    request = parse_accelerator(text, KNOWN)
    assert (request.name, request.chips) == (name, chips)
    assert request.note == f"{text}: the suffix counts {unit}"


@pytest.mark.parametrize("text", ["v5p-7", "tpu-v5p-1", "v5p-0", "v5litepod-0"])
def test_a_slice_that_is_no_whole_number_of_chips_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"TensorCores, and a TPU-v5. chip has"):
        parse_accelerator(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("H1000:8", "H100"), ("A100-90GB:8", "A100-80GB"), ("TPU-v5x", "TPU-v5e"), ("MI300", "MI300X")],
)
def test_a_near_miss_gets_a_suggestion(text: str, suggestion: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean .*{suggestion}"):
        parse_accelerator(text, KNOWN)


def test_what_resembles_nothing_gets_the_whole_list() -> None:
    with pytest.raises(ValueError, match="no accelerator is known as 'abacus'") as raised:
        parse_accelerator("abacus", KNOWN)
    assert "did you mean" not in str(raised.value)
    assert all(name in str(raised.value) for name in KNOWN)


def test_where_nothing_is_known_that_is_said() -> None:
    with pytest.raises(ValueError, match=r"known: none"):
        parse_accelerator("H100", frozenset())


def test_a_slice_of_an_unknown_generation_is_refused() -> None:
    with pytest.raises(ValueError, match="no accelerator is known as 'TPU-v5p'"):
        parse_accelerator("v5p-8", frozenset({AcceleratorName("TPU-v5e")}))


@pytest.mark.parametrize("text", ["H100:", "H100:0", "H100:-1", "H100:1.5", "H100:eight", "H100:8:2", "H100:٨"])
def test_chips_are_a_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="needs a whole number of chips after the colon, like H100:8"):
        parse_accelerator(text, KNOWN)


@given(st.sampled_from(sorted(KNOWN)), st.integers(1, 10**6), st.booleans())
def test_the_stored_name_is_always_a_spelling(name: AcceleratorName, chips: int, lower: bool) -> None:  # noqa: FBT001
    spelt = name.lower() if lower else name
    assert canonical_name(spelt, KNOWN) == name
    assert parse_accelerator(f"{spelt}:{chips}", KNOWN).chips == chips


@given(st.text(max_size=20))
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    try:
        request = parse_accelerator(text, KNOWN)
    except ValueError as refusal:
        assert "known" in str(refusal) or "chip" in str(refusal)  # noqa: PT017 -- both ways out are right
    else:
        assert request.name in KNOWN
        assert request.chips >= 1
