"""What the site's build adds to MkDocs: equations as MathML, and the reports in docs/results in the navigation."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

_FETCHED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\s(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: Any) -> Any:
    """List the reports that lie in docs/results, under the heading Results."""
    docs = Path(config.docs_dir)
    reports = sorted((docs / "results").glob("**/*.md"), key=lambda file: (len(file.parts), file))
    results = next(section["Results"] for section in config.nav if "Results" in section)
    for report in reports:
        name = report.parent.name
        results.append({f"The report, budget {name}": str(report.relative_to(docs))})
    return config


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """LaTeX to MathML, which browsers draw by themselves: no script, no font to fetch."""

    def mathml(match: re.Match[str]) -> str:
        source = html.unescape(match[2]).strip()
        drawn = convert(source, display="block" if match[1] == "div" else "inline")
        if "\\" in drawn:  # a command the converter does not know comes through as text
            raise PluginError(f"{page.file.src_uri}: cannot draw the equation {source!r}")
        return f"<div class='equation'>{drawn}</div>" if match[1] == "div" else drawn

    return _EQUATION.sub(mathml, content)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Nothing is fetched from elsewhere when a page opens."""
    if fetched := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri}: fetches from elsewhere: {fetched[0]}")
    return output
