"""The report of results: report.html, report.md, table.csv and figures/."""

from twinsync.experiments.report.write import write_report

__all__ = ["write_report"]
