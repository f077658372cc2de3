"""Heads are signed, published and stamped, and the verifier holds signature and stamp against the head."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from multihome.adapters.signer_ed25519.signer import KEY_FILE, KeyUnusableError, open_signer, signer_of_seed
from multihome.adapters.stamper_rfc3161.stamper import NotStampedError, question_of, time_in
from multihome.client.outside import ANSWER_BYTES_MAX, OutsideError, post
from multihome.ports.signer import head_statement, sign_head
from multihome_verify.fields import UnreadableError
from multihome_verify.heads import is_signed, read_head, read_public_key, statement
from multihome_verify.stamps import check_stamp, read_certificates
from tests.authority import STAMPED_AT, Authority, AuthorityListener, Listener, listening

DOCUMENT = b"a head"
SIGNER = signer_of_seed(bytes(32))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_stamp_is_of_its_head_and_of_a_trusted_authority(authority: Authority) -> None:
    token = authority.answer(question_of(DOCUMENT).as_bytes())
    unverified = check_stamp(token, DOCUMENT, ())
    assert (unverified.time, unverified.authority_verified) == (STAMPED_AT.isoformat(), False)
    assert check_stamp(token, DOCUMENT, read_certificates(authority.pem)).authority_verified


def test_a_stamp_of_something_else_is_seen(authority: Authority) -> None:
    token = authority.answer(question_of(DOCUMENT).as_bytes())
    with pytest.raises(UnreadableError, match="something else"):
        check_stamp(token, b"another head", ())


def test_another_authority_is_not_trusted(authority: Authority) -> None:
    token = Authority().answer(question_of(DOCUMENT).as_bytes())
    with pytest.raises(UnreadableError, match="VerificationError"):
        check_stamp(token, DOCUMENT, read_certificates(authority.pem))


@pytest.mark.parametrize("at", range(0, 1_800, 37))
def test_a_stamp_that_was_spoilt_never_verifies(authority: Authority, at: int) -> None:
    token = bytearray(authority.answer(question_of(DOCUMENT).as_bytes()))
    at %= len(token)
    token[at] ^= 0x10
    try:
        stamp = check_stamp(bytes(token), DOCUMENT, read_certificates(authority.pem))
    except UnreadableError:
        return
    # What is not signed (the policy's status, say) may differ; the time may not.
    assert stamp.time == STAMPED_AT.isoformat()


@pytest.mark.parametrize("token", [b"", b"\x30", b"\x30\x80\x00\x00", bytes(3_000), b"\x30\x84\xff\xff\xff\xff"])
def test_what_is_no_stamp_is_said_to_be_none(token: bytes) -> None:
    with pytest.raises(UnreadableError, match="no time stamp"):
        check_stamp(token, DOCUMENT, ())


def test_an_answer_is_held_against_its_question(authority: Authority) -> None:
    question = question_of(DOCUMENT)
    assert time_in(authority.answer(question.as_bytes()), question, DOCUMENT) == STAMPED_AT
    with pytest.raises(NotStampedError, match="something else"):
        time_in(authority.answer(question_of(DOCUMENT).as_bytes()), question, DOCUMENT)
    with pytest.raises(NotStampedError, match="no time stamp"):
        time_in(b"no", question, DOCUMENT)


def test_an_authority_that_refuses_is_quoted() -> None:
    refusing, question = Authority(), question_of(DOCUMENT)
    refusing.status = 2
    with pytest.raises(NotStampedError, match="refused"):
        time_in(refusing.answer(question.as_bytes()), question, DOCUMENT)


def test_both_sides_agree_on_what_is_signed() -> None:
    assert head_statement(7, "a" * 64, 1_234) == statement(7, "a" * 64, 1_234)
    head = read_head(json.dumps(_fields()).encode())
    assert is_signed(head, SIGNER.public_key())
    assert read_public_key(SIGNER.public_pem().encode()) == SIGNER.public_key()


@pytest.mark.parametrize(
    ("field", "value"), [("seq", 8), ("hash", "b" * 64), ("signed_ms", 1_235), ("signature", "AAAA"), ("signature", "")]
)
def test_a_head_that_was_changed_is_not_signed(field: str, value: object) -> None:
    assert not is_signed(read_head(json.dumps(_fields() | {field: value}).encode()), SIGNER.public_key())


def test_a_head_of_another_key_is_not_signed() -> None:
    other = signer_of_seed(b"\1" * 32)
    assert not is_signed(read_head(json.dumps(_fields()).encode()), other.public_key())
    assert not is_signed(read_head(json.dumps(_fields()).encode()), b"short")


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"\xff", b"[" * 60_000, b'{"multihome_head": 2}', b'{"multihome_head": true}', bytes(70_000)],
)
def test_what_is_no_head_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_head(text)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = open_signer(tmp_path).public_key()
    assert open_signer(tmp_path).public_key() == first
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_key_that_others_may_read_or_that_is_none_is_not_used(tmp_path: Path) -> None:
    open_signer(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(KeyUnusableError, match="read by others"):
        open_signer(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o600)
    (tmp_path / KEY_FILE).write_bytes(b"no key")
    with pytest.raises(KeyUnusableError, match="no private key"):
        open_signer(tmp_path)
    other = rsa.generate_private_key(65_537, 2_048)
    (tmp_path / KEY_FILE).write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyUnusableError, match="another kind"):
        open_signer(tmp_path)
    with pytest.raises(KeyUnusableError):
        open_signer(tmp_path / "missing")


def test_a_post_goes_where_it_was_sent() -> None:
    with listening(Listener()) as listener:
        assert post(listener.url, b"body", "text/plain") == b"body"
        assert listener.received == [("text/plain", b"body")]
        listener.status = 302
        with pytest.raises(OutsideError, match="status 302"):
            post(listener.url, b"body", "text/plain")
        listener.status = 200
        with pytest.raises(OutsideError, match="answers more than"):
            post(listener.url, bytes(ANSWER_BYTES_MAX + 1), "text/plain")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://127.0.0.1/", "https://", "file:///etc/passwd", "http://[", "http://127.0.0.1@evil/"],
)
def test_a_post_that_anybody_could_read_is_not_sent(url: str) -> None:
    with pytest.raises(OutsideError, match=r"not allowed|no address"):
        post(url, b"body", "text/plain")


def test_a_post_that_nobody_takes_is_told() -> None:
    with listening(Listener()) as listener:
        pass
    with pytest.raises(OutsideError, match=r"127\.0\.0\.1"):
        post(listener.url, b"body", "text/plain")


def test_heads_are_signed_published_and_stamped_by_command(authority: Authority, tmp_path: Path) -> None:
    state = tmp_path / "state"
    _run(state, "up", "--port", "0", "--clock-start", "2025-06-02")
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    _run(state, "apply", str(tmp_path / "contract.yaml"))
    with listening(AuthorityListener(authority)) as asked, listening(Listener()) as kept:
        assert "stamped at 2026-03-04T05:06:07+00:00" in _run(state, "head", "stamp", "--tsa", asked.url)
        _run(state, "head", "publish", kept.url)
        assert kept.received[0][1].decode() == _run(state, "head", "sign")
        nowhere = str(tmp_path / "nowhere" / "head.json")
        told = json.loads(_run(state, "head", "publish", nowhere, kept.url, "--json", code=1).splitlines()[0])
        assert (told["arrived"], list(told["failed"])) == ([kept.url], [nowhere])
        assert [body for _, body in kept.received[1:]] == [kept.received[0][1]]
        authority.status = 2
        assert "refused" in _run(state, "head", "stamp", "--tsa", asked.url, code=1)
        authority.status = 0
    _run(state, "down")
    (tmp_path / "key.pem").write_text(_run(state, "head", "key"))
    (tmp_path / "tsa.pem").write_bytes(authority.pem)
    assert "records, head" in _run(state, "evidence", "export", "c", "--out", str(tmp_path / "bundle"))
    assert "is there already" in _run(state, "evidence", "export", "c", "--out", str(tmp_path / "bundle"), code=1)
    assert "(known: c)" in _run(state, "evidence", "export", "x", "--out", str(tmp_path / "other"), code=1)
    (tmp_path / "kept.json").write_bytes(kept.received[0][1])
    options = ("--head", "kept.json", "--public-key", "key.pem", "--tsa-certificate", "tsa.pem", "--json")
    done = _verify(tmp_path, "bundle", *options)
    found = json.loads(done.stdout)
    assert done.returncode == 0, found["findings"]
    assert found["stamps"] == [
        {"seq": found["stamps"][0]["seq"], "time": STAMPED_AT.isoformat(), "authority_verified": True}
    ]
    assert (found["anchored"], found["key_given"], found["contract"]) == (True, True, "c")
    lines = (tmp_path / "bundle").read_bytes().splitlines(keepends=True)
    (tmp_path / "short").write_bytes(b"".join(lines[:-1]))
    assert _verify(tmp_path, "short", *options).returncode == 1
    assert _verify(tmp_path, "missing").returncode == 2
    assert _verify(tmp_path, "bundle", "--anchor", "x").returncode == 2
    assert _verify(tmp_path, "bundle", "--public-key", "bundle").returncode == 2


CONTRACT = """
kind: provider
name: p
title: P
type: neocloud
jurisdiction: US
engine: local
absence_delay: 5s
---
kind: contract
name: c
title: C
provider: p
from: 2025-01-01
until: 2027-01-01
source: invented
clauses: []
tranches: []
"""


def _run(state: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "multihome.app.main", *arguments, "--state", str(state)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "multihome_verify.main", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=50)
    assert "Traceback" not in done.stderr
    return done


def _fields() -> dict[str, object]:
    head = sign_head(SIGNER, (7, "a" * 64), 1_234)
    return {name: getattr(head, name) for name in head.__struct_fields__}
