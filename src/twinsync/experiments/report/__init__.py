"""The report of results: report.html, report.md, table.csv and figures/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinsync.errors import InputError
from twinsync.experiments.figures import write_figures
from twinsync.experiments.figures.style import write_csv
from twinsync.experiments.records import Claim
from twinsync.experiments.report.html import to_html
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.report.sections import build
from twinsync.experiments.report.tables import CSV_HEADER, comparison_csv
from twinsync.experiments.results import Results

__all__ = ["write_report"]


def write_report(folder: Path, results: Results, claims: Sequence[Claim] = (), record: Results | None = None) -> Path:
    """Write the report of `results` into `folder`; return the path of report.html. A second call overwrites its files.

    claims: the paper's claims, already checked. record: results of the schemes as printed; may be `results` itself.
    Raises `InputError` if the folder cannot be written.
    """
    document = build(results, claims, record)
    page = folder / "report.html"
    try:
        drawn = write_figures(folder, results, record)
        if results.comparison is not None:
            write_csv(folder / "table.csv", CSV_HEADER, comparison_csv(results))
        (folder / "report.md").write_text(to_markdown(document), "utf-8")
        page.write_text(to_html(document, drawn), "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error}") from None
    return page
