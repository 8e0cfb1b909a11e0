"""The report of a folder of results: report.html, report.md, table.csv and figures/, from the raw files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinsync.errors import InputError
from twinsync.experiments.claims import Claim
from twinsync.experiments.figures import write_figures
from twinsync.experiments.figures.style import write_csv
from twinsync.experiments.recorded import as_printed
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.reporting.html import to_html
from twinsync.experiments.reporting.markdown import to_markdown
from twinsync.experiments.reporting.sections import build
from twinsync.experiments.reporting.tables import CSV_HEADER, comparison_csv
from twinsync.writing import whole_file


def write_report(folder: Path, claims: Sequence[Claim] = ()) -> Path:
    """Write the report of `folder`; return the path of report.html. Again, it rewrites its own files only.

    Reads manifest.json with scenario.json, learning.json, evaluation.json and convergence.csv, or with sweeps.json, or
    with all of them; the schemes as printed come from the record where the folder lacks them. `claims` are the paper's,
    already checked. Raises `InputError` naming the file that is missing or unreadable, or that the folder cannot be
    written.
    """
    found = read_report_folder(folder)
    record = as_printed(found)
    document = build(found, claims, record)
    page = folder / "report.html"
    try:
        drawn = write_figures(found, record)
        if found.run is not None:
            write_csv(folder / "table.csv", CSV_HEADER, comparison_csv(found.run))
        for path, text in ((folder / "report.md", to_markdown(document)), (page, to_html(document, drawn))):
            with whole_file(path) as partial:
                partial.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error}") from None
    return page
