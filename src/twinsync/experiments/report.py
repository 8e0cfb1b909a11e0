"""The report of a reproduce run: report.html, report.md, table.csv and figures/, from the run's raw files alone."""

from __future__ import annotations

from pathlib import Path

from twinsync.errors import InputError
from twinsync.experiments.figures import write_figures
from twinsync.experiments.figures.style import write_csv
from twinsync.experiments.reporting.html import to_html
from twinsync.experiments.reporting.markdown import to_markdown
from twinsync.experiments.reporting.sections import build
from twinsync.experiments.reporting.tables import CSV_HEADER, comparison_csv
from twinsync.experiments.run_folder import read_run_folder


def write_report(folder: Path) -> Path:
    """Write the report of the run in `folder`; return the path of report.html. Again, it rewrites its own files only.

    Reads manifest.json, scenario.json, learning.json, evaluation.json and convergence.csv. Raises `InputError` naming
    the file that is missing or unreadable, or that the folder cannot be written.
    """
    run = read_run_folder(folder)
    document = build(run)
    page = folder / "report.html"
    try:
        drawn = write_figures(run)
        write_csv(folder / "table.csv", CSV_HEADER, comparison_csv(run))
        (folder / "report.md").write_text(to_markdown(document), "utf-8")
        page.write_text(to_html(document, drawn), "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error}") from None
    return page
