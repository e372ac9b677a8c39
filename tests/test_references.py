"""Whoever is cited stands in docs/references.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REFERENCES = ROOT / "docs" / "references.md"
PLACES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "blastoseg/**/*.py",
    "weights/*/card.toml",
    "train/*.toml",
)

CITATION = re.compile(r"\b([A-Z]\w+(?: & [A-Z]\w+)?)(?: et al\.)?,? \(?((?:19|20)\d\d)\b")
"""``Richter 2001``, ``Guo et al. 2017``, ``Bland & Altman 1986``, ``Sun (2004)``; also ``IJCAI 2022``."""


def citations(text: str) -> set[str]:
    one_line = re.sub(r"\s*\n[\s#>]*", " ", text)
    return {f"{found[1]} {found[2]}" for found in CITATION.finditer(one_line)}


def listed() -> list[str]:
    rows = re.findall(r"^\| ([^|]+) \|", REFERENCES.read_text("utf-8"), re.MULTILINE)
    return [row for row in rows if row != "cited as"]


def test_citations_are_found_however_they_are_written():
    text = "as in Guo et al. 2017, Sun (2004;\n    # Bland\n    # & Altman 1986), by 2030 or in 12 1999"
    assert citations(text) == {"Guo 2017", "Sun 2004", "Bland & Altman 1986"}


@pytest.mark.parametrize("place", PLACES)
def test_every_paper_cited_is_listed(place):
    files = [path for path in ROOT.glob(place) if path != REFERENCES]
    cited = {(name, path.name) for path in files for name in citations(path.read_text("utf-8"))}
    assert sorted(one for one in cited if one[0] not in listed()) == []


def test_no_paper_is_listed_twice():
    assert listed()
    assert len(set(listed())) == len(listed())
