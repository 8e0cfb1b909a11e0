"""The report of sweeps: every figure with its source and values, frontiers, claims, feasibility."""

import json
import re
from pathlib import Path

import pytest
from tests.experiments.swept_folder import LABELS, add_sweeps, sweeps, write_swept
from twinsync.experiments.report.write import write_report
from twinsync.experiments.report_folder import read_report_folder

from twinsync.experiments.claims import Claim, Outcome
from twinsync.experiments.figures import Drawn
from twinsync.experiments.recorded import as_printed
from twinsync.experiments.report.html import to_html
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.report.sections import build

DOT = '<svg viewBox="0 0 1 1"></svg>'
NAMES = ["fig4", "fig5", "bandwidth", "energy-budget", "extraction-floor"]


NONE = Outcome("not checked", "These schemes were not trained", "")
CLAIMS = [
    Claim(
        "Fig. 4", "rise", "Latency rises with K.", Outcome("does not hold", "It falls", "2 training seeds"),
        Outcome("holds", "4.60 to 22.98 s at the optimum", "5 training seeds of 10,240 slots"), "none of those varied",
    ),
    Claim(
        "Fig. 4", "low", "SAC is lowest.", NONE, Outcome("holds only where", "K = 2 alone. It fails at K = 4.", ""),
        "Path-loss exponent",
    ),
    Claim("Fig. 5", "high", "<b>w/o SC</b> is highest.", NONE, Outcome("does not hold", "", ""), ""),
    Claim("Fig. 7", "fall", "Latency falls with f_u.", NONE, Outcome("not checked", "the figure was not run", ""), ""),
]  # fmt: skip


def text_of(page: str) -> str:
    """A page's words without its tags and its style."""
    page = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def page_of(folder: Path, claims=()) -> str:
    """The page without the time its figures take."""
    found = read_report_folder(folder)
    document = build(found, claims, as_printed(found))
    names = re.findall(r"\(figures/(\w[\w-]*)\.png\)", to_markdown(document))
    return to_html(document, {name: Drawn(name, DOT, DOT) for name in names})


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A report of two sweeps alone."""
    folder = write_swept(tmp_path_factory.mktemp("report"))
    content = sweeps()
    content["sweeps"] = [content["sweeps"][0], content["sweeps"][-1]]
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")
    write_report(folder)
    return folder


def test_every_figure_is_there_in_every_format_and_says_where_it_comes_from(written):
    page = (written / "report.html").read_text("utf-8")
    links = re.findall(r'href="(figures/[^"]+)"', page)
    assert len(links) == 3 * 4  # two sweeps and a frontier as CSV, PNG, SVG, PDF
    assert all((written / link).is_file() for link in links)
    figure = page[page.index('<figure id="sweep_fig4">') :]
    source = figure[: figure.index("</figure>")]
    assert "<code>twinsync reproduce --figures 4 --out DIR</code> at revision <code>ba8a72912345</code>" in source
    assert not (written / "table.csv").exists()  # there is no comparison to put in it
    assert (written / "report.md").is_file()


def test_the_page_fetches_nothing_and_has_one_stop_for_the_keyboard_a_view(written):
    page = (written / "report.html").read_text("utf-8")
    assert not re.search(r"https?://|@import|url\((?!#)|\ssrc=", page)
    assert page.count('tabindex="0"') == 3 * 2  # three figures, for a page and for a phone
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_values_stand_below_the_figure_for_who_has_no_script(written):
    words = text_of((written / "report.html").read_text("utf-8"))
    own = sweeps()["sweeps"][0]["points"][1]["evaluation"]["allocators"]["sac-tuned"]
    latency, cost = own["latency_s"], own["cost"]
    row = f"4 SAC, repaired {latency['mean']:.2f} {latency['ci_low']:.2f} to {latency['ci_high']:.2f}"
    assert row in words
    assert f"{cost['mean']:.1f} {cost['ci_low']:.1f} to {cost['ci_high']:.1f}" in words
    assert "6 PPO, repaired – " in words
    assert "10 Expected optimum – – – – – – – – – – –" in words


def test_what_has_no_value_is_said_with_its_reason(tmp_path):
    words = text_of(page_of(write_swept(tmp_path)))
    assert "No value of PPO, repaired at number of UDs K = 6. A training diverged there" in words
    assert (
        "No value of Expected optimum at number of UDs K = 10. The expected optimum was not shown to serve K = 10."
        in words
    )


def test_seeds_that_diverged_are_said_at_their_point(tmp_path):
    folder = write_swept(tmp_path)
    content = sweeps()
    content["sweeps"][1]["points"][0]["evaluation"]["notes"] = ["sac-tuned: training diverged in 1 of 4 seeds", "else"]
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")
    words = text_of(page_of(folder))
    assert "At sensed data D = 0.2 to 0.4, SAC, repaired : training diverged in 1 of 4 seeds." in words
    assert "else" not in words


def test_a_finding_says_from_where_to_where_and_how_near_to_the_optimum(tmp_path):
    words = text_of(page_of(write_swept(tmp_path)))
    # 13.79 s times 2/6 and 10/6.
    assert "From 2 to 10, the mean latency of the optimum goes from 4.60 s to 22.98 s." in words
    # (86.96 / 83.90)^(1/2 + K/12) - 1 at K = 2 and 10.
    assert "SAC, repaired 2.4 to 4.9 %" in words
    assert "From 0.2 to 0.4 Mbit to 1.0 to 1.2 Mbit, the mean" in words


def test_claims_are_shown_with_verdict_number_and_what_they_hinge_on(tmp_path):
    page = page_of(write_swept(tmp_path), CLAIMS)
    words = text_of(page)
    counted = (
        "Of the 4 statements of the paper’s Section V and abstract, as printed 1 does not hold and 3 were not checked; "
        "repaired 1 holds, 1 holds only in places, 1 does not hold and 1 was not checked."
    )
    assert words.count(counted) == 2  # in the summary and in its section
    assert (
        "Latency rises with K. As printed: does not hold It falls. 2 training seeds Repaired: holds 4.60 to 22.98 s at "
        "the optimum. 5 training seeds of 10,240 slots What it hinges on: none of those varied."
    ) in words
    assert "Repaired: holds only in places K = 2 alone. In full It fails at K = 4. What it hinges on: Path" in words
    assert "&lt;b&gt;w/o SC&lt;/b&gt; is highest." in page
    assert "The paper’s claims" not in text_of(page_of(tmp_path))


def test_the_sections_follow_what_the_folder_holds(write_run, tmp_path):
    def headings(page: str) -> list[str]:
        return [text_of(title).strip() for title in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]

    alone = headings(page_of(write_swept(tmp_path / "swept")))
    assert alone == [
        "Latency against one thing at a time: Figs. 4 and 5",
        "Beyond the paper",
        "What a shorter latency is paid with",
        "Where the deadline can be met",
        "How this was made",
    ]
    both = headings(page_of(add_sweeps(write_run(tmp_path / "both")), CLAIMS))
    assert both[:3] == ["How the schemes compare", "How they learn", "The paper as printed"]
    assert both[3:8] == [*alone[:3], "The paper’s claims", "Where the deadline can be met"]
    assert both[8:] == ["Where the latency and the energy go", "What was assumed", "How this was made"]


def test_the_accuracy_law_is_shown_among_the_assumptions(write_run, tmp_path):
    words = text_of(page_of(add_sweeps(write_run(tmp_path / "both"))))
    assert "bits of a raw sample, in the accuracy A(phi) b 8 bit assumed" in words
    assert "bits of a raw sample" not in text_of(page_of(write_run(tmp_path / "base")))


def test_feasibility_is_told_by_the_optimum_s_misses(tmp_path):
    words = text_of(page_of(write_swept(tmp_path)))
    # Made-up rates are 0.95 times the load: below a half at K = 2, at 0.2 to 0.4 Mbit and at 2 MHz.
    assert "At 21 of the 24 points of the sweeps even the optimum" in words
    assert "Least are late at number of UDs K = 2: 31.7 %." in words


def test_the_time_behind_each_sweep_is_told(tmp_path):
    words = text_of(page_of(write_swept(tmp_path)))
    assert "Fig. 4 5 7 20 min 34 s ba8a72912345" in words
    assert "1 h 42 min: " not in words  # no stages were told
    assert "1 h 42 min" in words


def test_a_sweep_of_one_s_own_needs_no_optimum(tmp_path):
    folder = write_swept(tmp_path)
    content = sweeps()
    content["sweeps"] = content["sweeps"][:1]
    content["sweeps"][0].update(schemes=["sac-tuned"], figure="", name="mine", title="Mine")
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")
    words = text_of(page_of(folder))
    assert "the mean latency of SAC, repaired goes from" in words
    assert "digital-twin synchronisation: sweeps" in words
    assert "What latency depends on" in words
    assert "Where the deadline can be met" not in words


def test_the_text_version_says_the_same(written):
    text = (written / "report.md").read_text("utf-8")
    checked = to_markdown(build(read_report_folder(written), CLAIMS))
    repaired = "**Repaired: holds.** 4.60 to 22.98 s at the optimum. (5 training seeds of 10,240 slots)"
    printed = "**As printed: does not hold.** It falls. (2 training seeds)"
    assert f"- **Fig. 4: Latency rises with K.**\n  - {printed}\n  - {repaired}\n  - What it hinges on:" in checked
    assert "- **Fig. 5: &lt;b>w/o SC&lt;/b> is highest.**\n" in checked
    assert "### Fig. 4: Synchronisation latency against the number of UDs" in text
    assert "data: [sweep_fig4.csv](figures/sweep_fig4.csv)" in text
    assert all(label.replace("phi", "φ") in text for label, _ in LABELS.values())


def test_what_is_held_along_an_axis_stands_in_the_caption(tmp_path):
    folder = write_swept(tmp_path)
    content = sweeps()
    content["sweeps"][1]["set"] = ["sensing_rate_bps=4 Mbit/s"]
    (folder / "sweeps.json").write_text(json.dumps(content), "utf-8")
    assert text_of(page_of(folder)).count("with sensing_rate_bps=4 Mbit/s") == 1
