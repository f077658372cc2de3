"""`python -m tools.generate_docs [--check]`: write the generated documents, or say which of them are stale.

Writes `docs/reference/` whole, and elsewhere what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.diagrams import package_map, phases_diagram
from tools.pages_commands import commands_page
from tools.pages_documents import documents_page
from tools.pages_facts import clauses_page, events_page, refusals_page
from tools.pages_routes import routes_page
from tools.pages_sequences import sequences_page
from tools.pages_settings import settings_page
from tools.source import ROOT

REFERENCE: Mapping[str, Callable[[], str]] = {
    "clauses": clauses_page,
    "commands": commands_page,
    "documents": documents_page,
    "events": events_page,
    "refusals": refusals_page,
    "routes": routes_page,
    "sequences": sequences_page,
    "settings": settings_page,
}
PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "ARCHITECTURE.md": {"packages": package_map, "phases": phases_diagram},
}


def generated() -> dict[Path, str]:
    """Every generated document as it should be."""
    texts = {ROOT / "docs" / "reference" / f"{name}.md": make() for name, make in REFERENCE.items()}
    for name, parts in PARTS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for part, make in parts.items():
            text = with_part(text, part, make())
        texts[ROOT / name] = text
    return texts


def with_part(text: str, name: str, body: str) -> str:
    """A text with another body between the two marks of a part; it must have both, once."""
    marks = re.compile(rf"(<!-- begin {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
    assert len(marks.findall(text)) == 1, f"the part {name} must stand in the text once"
    return marks.sub(lambda match: match[1] + body + match[2], text)


def stale(texts: Mapping[Path, str]) -> list[Path]:
    """The documents that are not as they should be."""
    return [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: Sequence[str]) -> int:
    """Write or check; 1 when a check finds stale documents."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_docs", description="Write the generated documents.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where something would change")
    options = parser.parse_args(arguments)
    texts = generated()
    changed = stale(texts)
    for path in changed:
        print(f"{'stale' if options.check else 'written'}: {path.relative_to(ROOT)}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
