"""What is no plain YAML, refused where it stands; and what plain YAML says, kept as it was written."""

import time

import pytest

from multihome.files.parsing import DEPTH_MAX, DOCUMENTS_MAX, NODES_MAX, Mark, Place, parse


def data_of(text: str) -> object:
    documents, problems = parse("f.yaml", text)
    assert problems == ()
    return [document.data for document in documents]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\n", "1:4: a: anchor &x is not allowed; leave it out"),
        ("a: 1\nb: [*x]\n", "2:5: b[0]: alias *x is not allowed; write the value out"),
        ("*x : 1\n", "1:1: alias *x is not allowed; write the value out"),
        ("a: !!str 1\n", "1:4: a: tag tag:yaml.org,2002:str is not allowed; leave it out"),
        ("a: !eval 1\n", "1:4: a: tag !eval is not allowed; leave it out"),
        ("? [a]\n: b\n", "1:3: the name of a field is a mapping or a list, not text"),
        ("a: [1, 2\nb: }\n", "2:2: is no YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        (
            "a:\n\t- b\n",
            "2:1: is no YAML: while scanning for the next token, found character that cannot start any token",
        ),
        ("a: 'x\n", "2:1: is no YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("%YAML 3.0\n---\na: 1\n", "1:1: is no YAML: found incompatible YAML document"),
        ("[" * 20_000, f"1:34: nested more than {DEPTH_MAX} deep (DEPTH_MAX)"),
        ("- " * 20_000, f"1:67: nested more than {DEPTH_MAX} deep (DEPTH_MAX)"),
        ("{a: " * 20_000, f"1:130: nested more than {DEPTH_MAX} deep (DEPTH_MAX)"),
    ],
)
def test_refused(text: str, message: str) -> None:
    _, problems = parse("f.yaml", text)
    assert [str(problem) for problem in problems] == [f"f.yaml:{message}"]


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)]
    _, problems = parse("f.yaml", "a0: &a0 lol\n" + "\n".join(levels))
    assert [str(problem) for problem in problems] == ["f.yaml:1:5: a0: anchor &a0 is not allowed; leave it out"]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("- 1\n" * (NODES_MAX + 1), "values in one file (NODES_MAX)"),
        ("--- 1\n" * (DOCUMENTS_MAX + 1), "(DOCUMENTS_MAX)"),
    ],
)
def test_size_is_limited(text: str, limit: str) -> None:
    start = time.perf_counter()
    _, problems = parse("f.yaml", text)
    assert time.perf_counter() - start < 5
    assert limit in str(problems[0])


def test_duplicate_names_are_all_told_and_the_rest_is_read() -> None:
    documents, problems = parse("f.yaml", "a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [str(problem) for problem in problems] == [
        "f.yaml:2:11: b.c: stands here twice, first in line 2",
        "f.yaml:3:1: a: stands here twice, first in line 1",
    ]
    assert documents[0].data == {"a": 3, "b": {"c": 2}}


def test_documents_before_a_break_are_kept() -> None:
    documents, problems = parse("f.yaml", "a: 1\n---\nb: [\n")
    assert [document.data for document in documents] == [{"a": 1}]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("written", "data"),
    [
        ("12", 12),
        ("-3", -3),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("2.50", "2.50"),
        ("1e3", "1e3"),
        ("012", "012"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("NO", "NO"),
        ("on", "on"),
        ("True", "True"),
        ("2025-06-02", "2025-06-02"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        ("9" * 30, "9" * 30),
    ],
)
def test_scalars_keep_what_was_written(written: str, data: object) -> None:
    assert data_of(f"a: {written}") == [{"a": data}]


def test_json_is_read() -> None:
    assert data_of('{"a": [1, "2", {"b": null}], "c": true}') == [{"a": [1, "2", {"b": None}], "c": True}]


def test_empty_documents_are_passed_over() -> None:
    assert data_of("# nothing\n---\n---\na: 1\n---\n") == [{"a": 1}]


def test_places_count_characters_from_one() -> None:
    documents, _ = parse("f.yaml", "é: ü\n---\na:\n  - x\n  - {ü: y}\n")
    assert documents[0].places[("é",)] == Place(Mark(1, 1), Mark(1, 4))
    assert documents[1].places[("a", 0)] == Place(Mark(4, 5), Mark(4, 5))
    assert documents[1].places[("a", 1, "ü")] == Place(Mark(5, 6), Mark(5, 9))
