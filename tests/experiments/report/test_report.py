"""The report as a whole: its words, its files, nothing fetched, true to the results."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from tests.experiments.made_up import both, changed, compared
from tests.experiments.report import golden
from tests.experiments.report.page import Page, page_of
from tests.experiments.undrawn import draw_nothing

from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.records import Estimate
from twinsync.experiments.report import write_report
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.report.sections import build
from twinsync.experiments.results import Results


def run() -> Results:
    """A comparison with the paper's first sweep and one that has a frontier."""
    results = both()
    return replace(results, sweeps=(results.sweeps[0], results.sweeps[-1]))


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, Results]:
    folder, results = tmp_path_factory.mktemp("report"), run()
    assert write_report(folder, results, (), results) == folder / "report.html"
    return folder, results


def test_every_word_is_that_of_the_golden_report():
    """Where a word has to change: `python -m tests.experiments.report.golden`, then read the difference."""
    assert to_markdown(golden.document()) == golden.GOLDEN.read_text("utf-8")


def test_the_page_is_whole_and_fetches_nothing(written):
    folder, _ = written
    text = (folder / "report.html").read_text("utf-8")
    page = Page(text)
    cited, *links = [address for address in page.addresses if not address.startswith("#")]
    assert cited == "https://arxiv.org/abs/2503.04387"  # a link to follow, which opening the page does not fetch
    assert all((folder / link).is_file() and link.startswith("figures/") for link in links)
    figures = {link.partition(".")[0] for link in links}
    assert len(links) == 4 * len(figures)  # each as CSV, PNG, SVG, PDF
    assert {path.stem for path in (folder / "figures").iterdir()} == {name.partition("/")[2] for name in figures}
    assert not re.search(r"https?://|@import|url\((?!#)|\ssrc=", text.replace(f'href="{cited}"', ""))
    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(page.ids)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert text.count("<svg") == 2 * len(figures)  # for a page and for a phone
    # The two sweeps' figures and the frontier answer: one stop for the keyboard in each view.
    assert text.count('tabindex="0"') == 3 * 2


def test_figures_say_where_they_come_from(written):
    page = (written[0] / "report.html").read_text("utf-8")
    figure = page[page.index('<figure id="sweep_fig4">') :]
    source = figure[: figure.index("</figure>")]
    assert "<code>twinsync reproduce --figures 4 --out DIR</code> at revision <code>ba8a72912345</code>" in source


def test_writing_again_changes_nothing_and_touches_nothing_else(tmp_path, monkeypatch):
    draw_nothing(monkeypatch)  # that figures are the same byte for byte is tested with the figures
    results = replace(compared(), sweeps=(), policy=None)
    write_report(tmp_path, results)
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_report(tmp_path, results)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_table_s_numbers_are_the_evaluation_s(written):
    folder, results = written
    with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["scheme"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(comparison_of(results).evaluation.allocators)
    shown = {row[0]: row for row in Page((folder / "report.html").read_text("utf-8")).rows if len(row) == 10}
    for name, row in rows.items():
        own = comparison_of(results).evaluation.allocators[name]
        assert float(row["latency_s_p95"]) == own.latency_s.p95
        assert float(row["gap_to_optimum_high"]) == own.gap_to_optimum.high
        assert float(row["gap_to_expected_high"]) == own.gap_to_expected.high
        assert float(row["outage_rate"]) == own.outage_rate
        latency, cost = own.latency_s, own.cost
        cells = shown[row["label"]]
        assert cells[1] == f"{latency.mean:.2f} ({latency.low:.2f} to {latency.high:.2f})"
        assert cells[2] == f"{cost.mean:.1f} ({cost.low:.1f} to {cost.high:.1f})"
        assert cells[4] == f"{100 * own.deadline_miss_rate:.1f}"
        assert cells[8:] == (["20,000", "4"] if own.training_slots > 0 else ["–", "–"])


def test_the_markdown_shows_figures_that_exist(written):
    folder, _ = written
    pictures = re.findall(r"!\[[^]]+]\(([^)]+)\)", (folder / "report.md").read_text("utf-8"))
    assert len(pictures) == 7 + 3  # of the comparison, and of the sweeps
    assert all((folder / picture).is_file() for picture in pictures)


def test_a_scheme_of_which_nothing_is_left_still_makes_a_report(tmp_path, monkeypatch):
    draw_nothing(monkeypatch, but="latency_parts")
    lost = Estimate(*[float("nan")] * 5)
    results = changed(
        compared(seeds=1), "sac-paper", cost=lost, latency_s=lost, gap_to_optimum=None, unit_cost=(float("nan"),),
        unit_latency_s=(float("nan"),),
        latency_parts_s=dict.fromkeys(("sensing", "extraction", "uplink", "recovery"), float("nan")),
    )  # fmt: skip
    comparison_of(results).curves["sac-paper"].cost[:] = float("nan")
    page = Page(write_report(tmp_path, results, (), results).read_text("utf-8"))
    assert "Unstable: SAC (as printed)" in page.words
    assert "no finite mean" in (tmp_path / "figures" / "latency_parts.svg").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_named(tmp_path, complains):
    (tmp_path / "figures").write_text("in the way", "utf-8")
    with complains(str(tmp_path), "cannot be written"):
        write_report(tmp_path, compared())


def test_words_from_outside_cannot_become_markup():
    results = compared()
    schemes = tuple(structs.replace(item, label="<b>PPO</b> & co | x") if item.name == "ppo" else item
                    for item in results.manifest.schemes)  # fmt: skip
    manifest = structs.replace(results.manifest, schemes=schemes)
    document = build(replace(results, manifest=manifest))
    assert "<b>PPO</b> & co | x" in page_of(document).words
    text = to_markdown(document)
    assert "| &lt;b>PPO&lt;/b> & co \\| x |" in text
    assert "<b>" not in text
