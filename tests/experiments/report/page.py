"""A report's page as a test reads it: tags that open and close, ids, addresses, tables, and words."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from twinsync.experiments.figures import Drawn
from twinsync.experiments.report.document import Block, Box, Document, Folded, Picture
from twinsync.experiments.report.html import to_html

EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DOT = '<svg viewBox="0 0 1 1"><g id="a" clip-path="url(#c)"><use xlink:href="#c" style="fill: #1b1f24"/></g></svg>'


class Page(HTMLParser):
    """Tags that open and close, ids, addresses, tables as text, headings, and the words outside `<details>`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self.words = ""
        self.words_unfolded = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.addresses.append(str(value))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "h2":
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"style", "script", "svg"} & set(self.open):
            return
        data = data.replace("\N{NO-BREAK SPACE}", " ")
        self.words += data
        if "details" not in self.open:
            self.words_unfolded += data
        if self.open[-1:] == ["small"]:
            data = f" ({data})"
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        if "h2" in self.open:
            self.headings[-1] += data


def page_of(document: Document) -> Page:
    """A report's page without the time its figures take."""
    return Page(to_html(document, {name: Drawn(name, DOT, DOT) for name in pictures(document.blocks)}))


def pictures(blocks: Sequence[Block]) -> list[str]:
    """Names of the figures that blocks show."""
    names = []
    for block in blocks:
        if isinstance(block, Picture):
            names.append(block.name)
        elif isinstance(block, (Box, Folded)):
            names += pictures(block.blocks)
    return names
