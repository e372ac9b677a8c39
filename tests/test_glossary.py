"""Pages and code use the words of docs/glossary.md, and none of those it replaces."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
FREE = {"glossary.md", "CHANGELOG.md"}
"""The glossary itself names what it replaces; a change may name what it changed."""
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name not in FREE
)
SETTINGS = sorted(
    path
    for pattern in ("train/*.toml", "weights/*/card.toml", "examples/*.toml")
    for path in ROOT.glob(pattern)
)
READS_OTHERS_WORDS = {"tissue_names.py"}
"""Names that labs give their labels are read, not written."""


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


def spoken(code: str) -> str:
    """Strings, docstrings and comments of Python code in one line, without what is code in them."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    texts = [token.string for token in tokens if token.type in (tokenize.STRING, tokenize.COMMENT)]
    return " ".join(re.sub(r"``[^`]*``", " ", " ".join(texts)).split())


def replaced_in(text: str) -> list[str]:
    """The words of ``text`` that are not written any more."""
    return [word for word in replaced() if re.search(rf"(?<![\w-]){word}(?![\w-])", text, re.IGNORECASE)]


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
    assert replaced_in(prose(page.read_text("utf-8"))) == []


@pytest.mark.parametrize("file", SETTINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_recipe_or_card_writes_no_word_that_is_replaced(file):
    assert replaced_in(" ".join(file.read_text("utf-8").split())) == []


def test_no_text_or_comment_in_the_code_writes_a_word_that_is_replaced():
    files = [path for path in (ROOT / "blastoseg").rglob("*.py") if path.name not in READS_OTHERS_WORDS]
    written = {str(path.relative_to(ROOT)): replaced_in(spoken(path.read_text("utf-8"))) for path in files}
    assert {path: words for path, words in written.items() if words} == {}
