"""Tables that are more than their columns: who stands in them."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace
from tests.experiments.made_up import compared

from twinsync.experiments.columns import TableCell, by_cost
from twinsync.experiments.report.tables import comparison, deviations, levels, more, paired


def test_a_deviation_names_all_whom_it_concerns():
    rows = deviations(compared()).rows
    assert ["`discount`", "0.99", "0", "SAC (repaired); w/o SC (repaired)", "Actions never change later slots."] in rows


def test_pairs_say_whether_the_interval_excludes_nought():
    rows = {row[0]: row for row in paired(compared()).rows}
    # 14.03 less 13.92 s, 0.28 s either way, and 90.6 less 86.6, 1.8 either way.
    assert rows["Gradient policy"][1] == TableCell("+0.11", "−0.17 to +0.39")
    assert (rows["Gradient policy"][3], rows["Gradient policy"][6]) == ("no", "yes")
    assert "SAC (repaired)" not in rows


def test_levels_stand_from_as_printed_to_best():
    results = compared()
    assert [row[0] for row in levels(results, results).rows] == ["As printed", "Repaired", "Best (channel known)"]
    assert [row[0] for row in levels(results, None).rows] == ["Repaired", "Best (channel known)"]


def test_the_learner_and_the_optimum_are_stressed():
    results = compared()
    table = comparison(results, "sac-tuned", by_cost(results))
    assert [table.rows[place][0] for place in table.strong] == ["Optimum (channel known)", "SAC (repaired)"]


def test_a_dash_of_results_older_than_the_figure_of_merit_is_explained():
    results = compared()
    first, *others = [row._replace(measured=replace(row.measured, energy_excess_j=0.05)) for row in by_cost(results)]
    older = first._replace(measured=replace(first.measured, energy_excess_j=math.nan))
    told = f"Energy over budget: a dash for {first.scheme.label}, of which some results are older than it."
    assert told in more(results, "sac-tuned", [older, *others]).caption
    assert "a dash" not in more(results, "sac-tuned", [first, *others]).caption


LEARNERS = ("SAC", "PPO", "Random strategy", "w/o SC", "Gradient")


def tables_of_schemes(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Each table of a Markdown report that has schemes in its rows: the paragraph before it, and its cells."""
    for before, table in re.findall(r"(?:^|\n)([^\n]*)\n\n((?:\|[^\n]*\n)+)", text):
        rows = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        if "Scheme" in rows[0]:
            yield before, [rows[0], *rows[2:]]


def without_length(text: str) -> list[str]:
    """Rows of learners that don't say how long they were trained, in the row or in the table's caption."""
    missing = []
    for caption, (header, *rows) in tables_of_schemes(text):
        length = next((i for i, title in enumerate(header) if title.startswith("Trained on")), None)
        for row in rows:
            label = row[header.index("Scheme")]
            told = "trained on" in caption.lower() if length is None else row[length] != "–"
            if label.startswith(LEARNERS) and not told:
                missing.append(label)
    return missing


def test_every_learner_in_a_table_says_how_long_it_was_trained() -> None:
    text = (Path(__file__).parent / "golden.md").read_text("utf-8")
    assert sum(1 for _ in tables_of_schemes(text)) > 3
    assert without_length(text) == []
    assert without_length(text.replace("rained on", "aught by")) != []
