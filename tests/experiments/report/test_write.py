"""The report: self-contained, true to the raw files, and silent about no trouble."""

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from twinsync.experiments.report.pictures import inline_svg
from twinsync.experiments.report.write import write_report
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.run_folder import read_run_folder

from twinsync.experiments.figures import Drawn
from twinsync.experiments.formatting import compared, duration, number, symbol
from twinsync.experiments.recorded import as_printed
from twinsync.experiments.report.findings import instabilities
from twinsync.experiments.report.html import to_html
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.report.sections import build

RAW = ("manifest.json", "scenario.json", "learning.json", "evaluation.json", "convergence.csv")
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DOT = '<svg viewBox="0 0 1 1"><g id="a" clip-path="url(#c)"><use xlink:href="#c" style="fill: #1b1f24"/></g></svg>'


class Page(HTMLParser):
    """Tags that open and close, ids, addresses, tables as text, and the words outside `<details>`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
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

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open or "svg" in self.open:
            return
        self.words += data
        if "details" not in self.open:
            self.words_unfolded += data
        if self.open[-1:] == ["small"]:
            data = f" ({data})"
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def page_of(folder: Path) -> Page:
    """The page of a run without the time its figures take."""
    names = ("fig3_convergence", "fig3_printed", "comparison", "latency_parts", "energy_parts")
    found = read_report_folder(folder)
    return Page(to_html(build(found, record=as_printed(found)), {name: Drawn(name, DOT, DOT) for name in names}))


def edit(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    content = json.loads((folder / name).read_text("utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content), "utf-8")


def edit_costs(folder: Path, scheme: str, costs: dict[int, str], seed: str = "0") -> None:
    """Give one seed of one scheme other costs at some of its places (by rank)."""
    path = folder / "convergence.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    own = [row for row in rows if row["scheme"] == scheme and row["seed"] == seed]
    for place, cost in costs.items():
        own[place]["cost"] = cost
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def written(write_run, tmp_path_factory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("report"))
    assert write_report(folder) == folder / "report.html"
    return folder


def test_the_page_is_whole_and_fetches_nothing(written):
    text = (written / "report.html").read_text("utf-8")
    page = Page(text)
    links = [address for address in page.addresses if not address.startswith("#")]
    assert all((written / link).is_file() and link.startswith("figures/") for link in links)
    assert len(links) == 20  # five figures as CSV, PNG, SVG, PDF
    assert not re.search(r"https?://|@import|<script|url\((?!#)", text)
    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(page.ids)
    assert {address[1:] for address in page.addresses if address not in links} <= set(page.ids)
    assert text.count("<svg") == 10  # five figures, for a page and for a phone


def test_writing_again_changes_nothing_and_touches_nothing_else(written):
    (written / "notes.txt").write_text("mine", "utf-8")
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    write_report(written)
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def test_the_table_s_numbers_are_the_evaluation_s(written):
    raw = json.loads((written / "evaluation.json").read_text("utf-8"))["allocators"]
    with (written / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["scheme"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(raw)
    shown = {row[0]: row for row in Page((written / "report.html").read_text("utf-8")).rows if len(row) == 14}
    for name, row in rows.items():
        own = raw[name]
        assert float(row["latency_s_p95"]) == own["latency_s"]["p95"]
        assert float(row["gap_to_optimum_high"]) == own["gap_to_optimum"]["ci_high"]
        assert float(row["gap_to_expected_high"]) == own["gap_to_expected"]["ci_high"]
        assert float(row["outage_rate"]) == own["outage_rate"]
        latency, cost = own["latency_s"], own["cost"]
        cells = shown[row["label"]]
        assert cells[1] == f"{latency['mean']:.2f} ({latency['ci_low']:.2f} to {latency['ci_high']:.2f})"
        assert cells[2] == f"{latency['median']:.2f} ({latency['p95']:.2f})"
        assert cells[3] == f"{cost['mean']:.1f} ({cost['ci_low']:.1f} to {cost['ci_high']:.1f})"
        assert cells[6] == f"{100 * own['deadline_miss_rate']:.1f}"
        assert cells[12:] == (["–", "–"] if own["training_slots"] is None else ["20,000", "4"])


def test_the_markdown_shows_the_same_table_and_figures_that_exist(written):
    text = (written / "report.md").read_text("utf-8")
    assert "| **SAC, repaired** | 14.03 (13.86 to 14.23) | 13.05 (21.04) | 90.6 (88.3 to 93.3) |" in text
    pictures = re.findall(r"!\[[^]]+]\(([^)]+)\)", text)
    assert len(pictures) == 5
    assert all((written / picture).is_file() for picture in pictures)


def test_the_headline_says_how_far_from_the_optimum_and_what_was_gained(run_folder):
    words = page_of(run_folder).words_unfolded.replace("\N{NO-BREAK SPACE}", " ")
    # 90.6 / 81.3 - 1 = 11.4 %; 176 / 81.3 - 1 = 116.5 %; 1 - 14.03 / 16.9 = 17.0 %; 1 - 14.03 / 17.1 = 18.0 %.
    assert (
        "As printed. SAC, as printed, trained on 20,000 slots with 4 seeds, costs 176.0 per slot, 116.5 % more" in words
    )
    assert "Repaired. SAC, repaired, trained on 20,000 slots with 4 seeds, costs 90.6 per slot, 11.4 % more" in words
    assert (
        "its mean latency, all UDs together, is 14.03 s, 17.0 % below PPO’s, 31.2 % below w/o SC’s and 18.0 %" in words
    )
    assert "Best possible. The certified optimum, which knows the channel, costs 81.3 at 13.71 s" in words
    assert "on the better side against PPO, w/o SC, repaired and Random strategy, repaired" in words
    assert "up to 13.2 %" in words


def test_what_costs_less_than_the_learner_is_said(run_folder):
    assert "Less than SAC, repaired (90.6) costs Gradient policy (86.6)." in page_of(run_folder).words_unfolded
    edit(run_folder, "evaluation.json", lambda raw: raw["allocators"]["gradient"]["cost"].update(mean=95.0))
    assert "No other scheme of this run costs less than SAC, repaired." in page_of(run_folder).words_unfolded


def test_a_lost_comparison_is_said(run_folder):
    def worse(content):
        pair = content["paired"]["sac-tuned"]["ppo"]
        pair["latency_reduction_percent"] = {"mean": -4.0, "ci_low": -5.0, "ci_high": -3.0}
        pair["cost"] = {"mean": 1.0, "ci_low": -1.0, "ci_high": 3.0}

    edit(run_folder, "evaluation.json", worse)
    words = page_of(run_folder).words_unfolded.replace("\N{NO-BREAK SPACE}", " ")
    assert "4.0 % above PPO’s" in words
    assert "better side against w/o SC, repaired and Random strategy, repaired, but not against PPO" in words


@pytest.mark.parametrize(
    ("missed", "verdict"),
    [
        (0.997, "K = 6, cannot meet its deadlineEven"),
        (0.92, "cannot meet its deadline in most slots"),
        (0.08, "meets its deadline most of the time"),
        (0.0, "can meet its deadline"),
    ],
)
def test_feasibility_follows_the_optimum_s_miss_rate(run_folder, missed, verdict):
    edit(run_folder, "evaluation.json", lambda raw: raw["allocators"]["optimum"].update(deadline_miss_rate=missed))
    words = page_of(run_folder).words_unfolded.replace("\n", "")
    assert verdict in words
    assert ("penalties are on for every scheme" in words) == (missed > 0.5)
    # (13.71 s - 1.575 s of sensing) / 6 UDs.
    assert "2.02\N{NO-BREAK SPACE}s a UD and slot, the deadline 0.90\N{NO-BREAK SPACE}s" in words


def test_a_collapse_is_called_unstable_and_only_where_it_happened(run_folder):
    words = page_of(run_folder).words_unfolded
    assert set(re.findall(r"Unstable: ([^–]+) –", words)) == {"SAC, as printed"}
    assert "in 4 of 4 seeds the cost rose by more than 10\N{NO-BREAK SPACE}%" in words


def test_steady_training_is_not_called_unstable(write_run, tmp_path):
    words = page_of(write_run(tmp_path, diverge=False)).words
    assert "nstable" not in words
    assert "did not hold" not in words


@pytest.mark.parametrize(("after", "worse"), [("109.0", 0), ("111.0", 1)])
def test_a_tenth_above_the_best_point_is_the_limit(write_run, tmp_path, after, worse):
    folder = write_run(tmp_path, diverge=False, seeds=1)
    costs = dict.fromkeys(range(21), "100.0")
    edit_costs(folder, "ppo", {**costs, 0: "300.0", 12: after})
    found = instabilities(read_run_folder(folder))
    assert [item.seeds_worse for item in found] == [1] * worse
    if worse:
        # Best first at place 1 (1000 slots), worst at place 12 (12000 slots), recovered at the end.
        (item,) = found
        assert (item.best, item.best_slot, item.worst, item.worst_slot, item.end) == (100.0, 1000, 111.0, 12000, 100.0)


@pytest.mark.parametrize("lost", ["nan", "", "inf"])
def test_a_seed_without_finite_cost_is_called_unstable(write_run, tmp_path, lost):
    folder = write_run(tmp_path, diverge=False)
    edit_costs(folder, "ppo", dict.fromkeys(range(15, 21), lost), seed="2")
    words = page_of(folder).words_unfolded
    assert "Unstable: PPO – in 1 of 4 seeds no finite cost is left" in words


def test_a_scheme_of_which_nothing_is_left_still_makes_a_report(write_run, tmp_path):
    folder = write_run(tmp_path, seeds=1)
    edit_costs(folder, "sac-paper", dict.fromkeys(range(21), "nan"))
    gone = dict.fromkeys(("mean", "ci_low", "ci_high", "median", "p95"))
    empty = {"cost": gone, "latency_s": gone, "gap_to_optimum": None, "unit_cost": [None], "unit_latency_s": [None]}
    empty["latency_parts_s"] = dict.fromkeys(("sensing", "extraction", "uplink", "recovery"))
    edit(folder, "evaluation.json", lambda raw: raw["allocators"]["sac-paper"].update(empty))
    page = Page(write_report(folder).read_text("utf-8"))
    assert "Unstable: SAC, as printed – in 1 of 1 seeds no finite cost is left" in page.words
    assert page.rows[-1] != []
    assert "no finite mean" in (folder / "figures" / "latency_parts.svg").read_text("utf-8")


def test_without_the_schemes_as_printed_the_report_says_how_to_have_them(run_folder):
    def forget(raw):
        del raw["allocators"]["sac-paper"]

    edit(run_folder, "evaluation.json", forget)
    words = page_of(run_folder).words
    assert "The schemes as printed were not trained in this run, and none are recorded" in words
    assert "As printed." not in words


def test_deviations_and_open_constants_are_shown_and_the_rest_is_folded(run_folder):
    page = page_of(run_folder)
    assert [
        "discount",
        "0.99",
        "0",
        "SAC, repaired; w/o SC, repaired",
        "Actions never change later slots.",
    ] in page.rows
    assert "two hidden layers are printed, no width" in page.words_unfolded
    assert "7 stated" in page.words_unfolded
    assert "bandwidth_hz" in page.words
    assert "bandwidth_hz" not in page.words_unfolded


def test_remarks_name_schemes_as_people_do(run_folder):
    edit(run_folder, "manifest.json", lambda raw: raw["schemes"][2].update(label="PPO, as usual"))
    assert "PPO, as usual breaks its limits." in page_of(run_folder).words_unfolded


def test_how_it_was_made_is_told(run_folder):
    words = page_of(run_folder).words_unfolded.replace("\N{NO-BREAK SPACE}", " ")
    for fact in (
        "twinsync reproduce --budget quick --seed 3",
        "0a841f0",
        "jax 0.10.2",
        "7 min 36 s",
        "20,000 of Table",
    ):
        assert fact in words


def test_words_from_outside_cannot_become_markup(run_folder):
    edit(run_folder, "manifest.json", lambda raw: raw["schemes"][2].update(label="<b>PPO</b> & co | x"))
    assert "<b>PPO</b> & co | x" in page_of(run_folder).words
    text = to_markdown(build(read_report_folder(run_folder)))
    assert "| &lt;b>PPO&lt;/b> & co \\| x |" in text
    assert "<b>" not in text


@pytest.mark.parametrize("name", RAW)
def test_a_missing_raw_file_is_named(run_folder, complains, name):
    (run_folder / name).unlink()
    with complains(name, "missing"):
        write_report(run_folder)


@pytest.mark.parametrize("name", [name for name in RAW if name.endswith("json")])
def test_a_broken_raw_file_is_named(run_folder, complains, name):
    (run_folder / name).write_text("{", "utf-8")
    with complains(name, "not valid JSON"):
        write_report(run_folder)


@pytest.mark.parametrize("key", ["command", "seed", "headline", "schemes", "evaluation"])
def test_a_missing_key_of_the_manifest_is_named(run_folder, complains, key):
    edit(run_folder, "manifest.json", lambda raw: raw.pop(key))
    with complains("manifest.json", repr(key)):
        write_report(run_folder)


@pytest.mark.parametrize("key", ["latency_s", "outage_rate", "latency_parts_s", "unit_cost"])
def test_a_missing_measurement_is_named(run_folder, complains, key):
    edit(run_folder, "evaluation.json", lambda raw: raw["allocators"]["ppo"].pop(key))
    with complains("evaluation.json", "ppo", repr(key)):
        write_report(run_folder)


def test_an_unknown_learner_is_named(run_folder, complains):
    edit(run_folder, "manifest.json", lambda raw: raw["headline"].update(learner="nobody"))
    with complains("evaluation.json", "'nobody'"):
        write_report(run_folder)


@pytest.mark.parametrize(
    ("old", "new", "fragment"),
    [
        ("scheme,seed,slots", "scheme,seed,steps", "slots"),
        ("ppo,1,5000,", "ppo,1,5000,x", "line 196: could not"),
    ],
)
def test_a_wrong_convergence_file_is_named(run_folder, complains, old, new, fragment):
    path = run_folder / "convergence.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with complains("convergence.csv", fragment):
        write_report(run_folder)


def test_a_folder_that_is_not_there_or_cannot_be_written_is_named(run_folder, complains, tmp_path):
    with complains("nowhere", "no such folder"):
        write_report(tmp_path / "nowhere")
    (run_folder / "figures").write_text("in the way", "utf-8")
    with complains(str(run_folder), "cannot be written"):
        write_report(run_folder)


def test_an_inlined_svg_has_ids_and_colours_of_the_page():
    svg = inline_svg(DOT, "fig", "two <dots>")
    assert '<g id="fig-a" clip-path="url(#fig-c)"><use href="#fig-c" style="fill: var(--ink)"/>' in svg
    assert 'aria-label="two &lt;dots&gt;"' in svg


def test_numbers_in_words():
    assert number(-1234.56) == "−1,234.6"
    assert number(float("nan")) == "–"
    assert compared(90.0, 100.0).replace("\N{NO-BREAK SPACE}", " ") == "10.0 % less than"
    assert compared(5.0, -2.0) == "5.0, against −2.0 for"
    assert duration(3725.0).replace("\N{NO-BREAK SPACE}", " ") == "1 h 2 min"
    assert symbol("sigma_theta") == "σ_θ"
    assert symbol("beta_0") == "β_0"
    assert symbol("phi_min") == "φ_min"
