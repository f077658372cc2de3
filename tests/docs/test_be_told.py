"""What receivers of webhooks are told to check accepts what the adapter sends, and nothing else."""

import doctest

from multihome.adapters.webhooks import key_of, signature
from tests.docs.console import ROOT

PAGE = ROOT / "docs" / "how-to" / "be-told.md"


def run(text: str) -> doctest.TestResults:
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None, clear_globs=False)


def test_the_receivers_check_comes_to_what_it_shows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert run(text) == doctest.TestResults(failed=0, attempted=5)
    assert run(text.replace("(True, False)", "(True, True)")).failed == 1


def test_the_receivers_check_accepts_what_is_sent() -> None:
    """The function on the page, and the signature of the adapter."""
    names: dict[str, object] = {}
    test = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), names, PAGE.name, str(PAGE), 0)
    doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None, clear_globs=False)
    is_genuine, secret = test.globs["is_genuine"], test.globs["secret"]
    key = key_of(secret)
    assert key is not None
    headers = {"webhook-id": "a%2Eb", "webhook-timestamp": "1750000000"}
    headers["webhook-signature"] = signature(key, "a%2Eb", "1750000000", b"{}")
    assert is_genuine(secret, headers, b"{}", 1_750_000_000)
    assert not is_genuine(secret, headers, b"{} ", 1_750_000_000)
    assert not is_genuine(secret, headers, b"{}", 1_750_000_301)
