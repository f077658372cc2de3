"""Which files are read, and what is refused before a byte of it is parsed."""

import os
import time
from pathlib import Path

import pytest

from multihome.files import reading
from multihome.files.loading import load
from multihome.files.reading import FILE_BYTES_MAX, read_texts
from multihome.files.references import KnownNames


def problems_of(*paths: Path) -> list[str]:
    return [str(problem) for problem in read_texts(paths)[1]]


def test_a_folder_is_read_in_order_of_names_without_hidden_and_foreign_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/.hidden.yaml", ".git/c.yaml", "notes.txt", "c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, encoding="utf-8")
    texts, problems = read_texts((tmp_path,))
    assert [text.text for text in texts] == ["a/z.yml", "b.yaml", "c.yaml"]
    assert problems == ()


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8")
    assert len(read_texts((tmp_path, tmp_path / "a.yaml"))[0]) == 1


def test_a_file_of_100_mb_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    start = time.perf_counter()
    assert problems_of(path) == [f"{path}: is larger than {FILE_BYTES_MAX} bytes (FILE_BYTES_MAX)"]
    assert time.perf_counter() - start < 0.5


def test_a_file_that_hides_its_size_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    # A file of the kernel says that it has no bytes.
    monkeypatch.setattr(reading, "FILE_BYTES_MAX", 10)
    path = Path("/proc/self/status")
    assert path.stat().st_size == 0
    assert problems_of(path) == [f"{path}: is larger than 10 bytes (FILE_BYTES_MAX)"]


def test_all_files_together_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TOTAL_BYTES_MAX", 5)
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("b: 1", encoding="utf-8")
    expected = f"{tmp_path}/b.yaml: all files together are larger than 5 bytes (TOTAL_BYTES_MAX)"
    assert problems_of(tmp_path) == [expected]


def test_the_number_of_files_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FILES_MAX", 2)
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text("a: 1", encoding="utf-8")
    assert problems_of(tmp_path) == [f"{tmp_path}/c.yaml: more than 2 files (FILES_MAX)"]


def test_folders_are_nested_to_a_limit(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 18)
    deep.mkdir(parents=True)
    assert [problem.split(": ", 1)[1] for problem in problems_of(tmp_path)] == [
        "folders are nested more than 16 deep (FOLDER_DEPTH_MAX)"
    ]


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "f.yaml"
    os.mkfifo(fifo)
    assert problems_of(tmp_path) == [f"{fifo}: is a FIFO, where a file is meant"]


def test_a_device_is_refused() -> None:
    assert problems_of(Path("/dev/zero")) == ["/dev/zero: is a device, where a file is meant"]


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").mkdir()
    assert problems_of(tmp_path) == [f"{tmp_path}/f.yaml: is a folder, where a file is meant"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "s.yaml").write_text("a: 1", encoding="utf-8")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "a.yaml").symlink_to(tmp_path / "outside" / "s.yaml")
    (folder / "sub").symlink_to(tmp_path / "outside")
    assert problems_of(folder) == [
        f"{folder}/a.yaml: leads out of the folder inside",
        f"{folder}/sub: leads out of the folder inside",
    ]
    assert read_texts((folder,))[0] == ()


def test_a_link_within_the_folder_is_read_once_and_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    texts, problems = read_texts((tmp_path,))
    assert len(texts) == 1
    assert [Path(problem.file).name for problem in problems] == ["self.yaml"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff\n", ":2:4: is not UTF-8: byte 0xff"),
        (b"\x7fELF\x00\x01", ": is binary, where text is meant"),
        (b"a: 1\nb: x\x07y\n", ":2:5: holds the control character U+0007"),
        ("a: \x85\ufffe".encode(), ":1:5: holds the control character U+FFFE"),
    ],
)
def test_what_is_no_text_is_refused_where_it_begins(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    assert problems_of(path) == [f"{path}{message}"]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_texts((tmp_path,))[0][0].text == "a: 1"


@pytest.mark.parametrize("name", ["nowhere", "a\0b"])
def test_a_path_that_is_not_there(tmp_path: Path, name: str) -> None:
    (problem,) = load([tmp_path / name], known=KnownNames()).problems
    assert problem.wrong in {"no such file or folder", "cannot be read: embedded null byte"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_a_file_without_a_document_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    assert [str(problem) for problem in load([path], known=KnownNames()).problems] == [f"{path}:1:1: holds no document"]


@pytest.mark.parametrize("name", [None, "notes.txt", ".hidden.yaml", "below/notes.txt"])
def test_a_folder_without_documents_is_told(tmp_path: Path, name: str | None) -> None:
    if name is not None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: 1", encoding="utf-8")
    assert problems_of(tmp_path) == [f"{tmp_path}: holds no document: no file in it ends in .yaml or .yml"]
