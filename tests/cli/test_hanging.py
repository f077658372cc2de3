import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from multihome.cli.hanging import Hanging, wrapped

words = st.text(alphabet="abc-/$", min_size=1, max_size=30)
lines = st.tuples(st.integers(0, 6), st.lists(words, max_size=20)).map(lambda made: " " * made[0] + " ".join(made[1]))


@given(lines, st.integers(1, 90))
def test_no_word_is_lost_or_cut_and_only_a_word_alone_is_too_wide(line: str, width: int) -> None:
    parts = wrapped(line, width)
    assert " ".join(parts).split() == line.split()
    own = len(line) - len(line.lstrip(" "))
    for part in parts:
        assert len(part) <= max(width, own + 3) or len(part.split()) == 1
    assert all(part.startswith(" " * (own + 2)) for part in parts[1:])


def test_what_is_wrapped_hangs_below_its_beginning() -> None:
    printed = io.StringIO()
    console = Console(file=printed, width=30, highlight=False)
    console.print(Hanging(["waits because", "  Ruled out south/h100: south is drained by [ada] (repairs).", "short"]))
    assert printed.getvalue() == (
        "waits because\n  Ruled out south/h100: south\n    is drained by [ada]\n    (repairs).\nshort\n"
    )
