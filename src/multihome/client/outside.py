"""Posts to addresses that somebody named, outside of this control plane: by https, or to this machine."""

from urllib.parse import urlsplit

TIMEOUT_S = 20
ANSWER_BYTES_MAX = 1024 * 1024
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SUCCESS = range(200, 300)


class OutsideError(Exception):
    """Nothing was delivered, or it is not known whether it was; says to where and why. A post may be tried again."""


def post(url: str, body: bytes, content_type: str) -> bytes:
    """Send a body, and return the answer. Redirects are not followed: what is sent goes where somebody said.

    Raises:
        OutsideError: the address is not allowed, does not answer in time, or refuses.
    """
    import httpx  # noqa: PLC0415 -- importing it costs 0.25 CPU-s, which `--help` should not pay

    _check(url)
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as http,
            http.stream("POST", url, content=body, headers={"content-type": content_type}) as answer,
        ):
            found = b""
            for part in answer.iter_bytes():
                found += part
                if len(found) > ANSWER_BYTES_MAX:
                    msg = f"{url} answers more than {ANSWER_BYTES_MAX} bytes"
                    raise OutsideError(msg)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        msg = f"{url}: {error or type(error).__name__}"
        raise OutsideError(msg) from error
    if answer.status_code not in _SUCCESS:
        msg = f"{url} answered with status {answer.status_code}"
        raise OutsideError(msg)
    return found


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in _LOOPBACK
    except ValueError as error:
        msg = f"{url!r} is no address: {error}"
        raise OutsideError(msg) from error
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        msg = f"{url!r} is not allowed: expected https://..., or http:// to this machine"
        raise OutsideError(msg)
