"""The pages use the words of docs/glossary.md, and none of those it replaces."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
# validation.md is to be written anew with the next weights, the glossary itself names what it replaces, and
# columns.md is written from the code.
FREE = {"glossary.md", "validation.md", "columns.md"}
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name not in FREE | {"CHANGELOG.md"}
)


def rows() -> list[tuple[str, str, str]]:
    """Term, meaning and what it replaces, of every row of every table."""
    found = re.findall(r"^\| ([^|]+) \| ([^|]+) \|([^|]*)\|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    return [(term, meaning, instead.strip()) for term, meaning, instead in found if term != "term"]


def replaced() -> list[str]:
    """The words that are not written any more."""
    return [word for _, _, instead in rows() for word in re.findall(r"`([^`]+)`", instead)]


def prose(text: str) -> str:
    """The text in one line, without code."""
    text = re.sub(r"```.*?```|^ {4}.*?$|`[^`\n]*`", " ", text, flags=re.DOTALL | re.MULTILINE)
    return " ".join(text.split())


def test_every_term_has_one_sentence_and_stands_once():
    terms = [term for term, _, _ in rows()]
    assert len(terms) > 50
    assert len(set(terms)) == len(terms)
    for term, meaning, _ in rows():
        assert re.fullmatch(r"[^ ].*\.", meaning), term


def test_what_is_replaced_is_no_term():
    assert {word.casefold() for word in replaced()} & {term.casefold() for term, _, _ in rows()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_writes_no_word_that_is_replaced(page):
    text = prose(page.read_text("utf-8"))
    written = [word for word in replaced() if re.search(rf"(?<![\w-]){word}(?![\w-])", text, re.IGNORECASE)]
    assert written == []
