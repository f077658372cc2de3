"""The question and the answer."""

import hashlib
from datetime import datetime

from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    decode_timestamp_response,
)

QUERY_TYPE = "application/timestamp-query"


class NotStampedError(Exception):
    """The authority's answer is no time stamp of what was asked. Another try, or another authority, may help."""


def question_of(document: bytes) -> TimeStampRequest:
    """The question whose answer stamps a document: its SHA-256, a nonce, and the wish for the certificate."""
    return TimestampRequestBuilder().data(document).hash_algorithm(HashAlgorithm.SHA256).build()


def time_in(answer: bytes, question: TimeStampRequest, document: bytes) -> datetime:
    """The time that an answer states for a document; its signature is not verified here.

    Raises:
        NotStampedError: the authority refused, or answered something else.
    """
    try:
        response = decode_timestamp_response(answer)
        if response.status not in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}:
            msg = f"it refused: {'; '.join(response.status_string) or f'status {response.status}'}"
            raise NotStampedError(msg)
        info = response.tst_info
    except ValueError as error:
        msg = f"it answered no time stamp: {error}"
        raise NotStampedError(msg) from error
    if info.nonce != question.nonce or info.message_imprint.message != hashlib.sha256(document).digest():
        msg = "it stamped something else than what was asked"
        raise NotStampedError(msg)
    return info.gen_time
