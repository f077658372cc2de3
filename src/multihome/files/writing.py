"""Facts to the text of documents, as `load` reads them back."""

from collections.abc import Iterable

import yaml

from multihome.domain.commands import Document
from multihome.domain.workloads import WorkloadSpec
from multihome.wire.documents import documents_data

LINE_CHARACTERS_MAX = 120


def dump(facts: Iterable[Document | WorkloadSpec]) -> str:
    """Facts as YAML, one document each; pools stand with their provider, which must be among the facts."""
    return yaml.dump_all(
        documents_data(facts),
        Dumper=yaml.SafeDumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        width=LINE_CHARACTERS_MAX,
    )
