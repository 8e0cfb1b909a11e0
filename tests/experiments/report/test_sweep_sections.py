"""What is said of sweeps: gaps with their reasons, ends, feasibility."""

from msgspec import structs
from tests.experiments.made_up import at_point, missing, swept
from tests.experiments.report.page import page_of

from twinsync.experiments.columns import TableCell
from twinsync.experiments.report.sections import build
from twinsync.experiments.report.sweep_sections import diverged, finding, lacks
from twinsync.experiments.report.tables import values

RESULTS = swept()
FIG4, FIG5 = RESULTS.sweeps[:2]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_values_stand_below_the_figure_for_who_has_no_script():
    rows = {(row[0], row[1]): row[2:] for row in values(FIG4, RESULTS).rows}
    own = FIG4.points[1].evaluation.allocators["sac-tuned"]
    assert rows["4", "SAC (repaired)"][0] == TableCell(
        f"{own.latency_s.mean:.2f}", f"{own.latency_s.low:.2f} to {own.latency_s.high:.2f}"
    )
    assert rows["6", "PPO (repaired)"][0] == TableCell("–")
    assert set(rows["10", "Expected optimum"]) == {TableCell("–")}


def test_what_has_no_value_is_said_with_its_reason():
    ppo, expected = lacks(FIG4, RESULTS)
    assert ppo.startswith("No value at number of UDs K = 6 for **PPO (repaired)**: ")
    assert expected.endswith(" for **Expected optimum**: the expected optimum was not shown to serve K = 10.")


def test_what_has_no_value_at_the_same_places_is_one_sentence():
    sweep = FIG4
    for place, blocks in ((1, 2), (2, 4)):
        for name, what in (("optimum", "exact optimum"), ("expected", "expected cost")):
            reason = f"allocator {name!r}: the {what} needs fading_blocks = 1, got {blocks}"
            sweep = at_point(sweep, place, lambda point, name=name, reason=reason: missing(point, name, reason))
    remarks = [remark for remark in lacks(sweep, RESULTS) if "fading" in remark]
    labels = [point.label for point in sweep.points]
    assert len(remarks) == 1
    assert f"= {labels[1]} and {labels[2]} for **" in remarks[0]
    for what in ("the exact optimum needs fading_blocks = 1", "the expected cost needs fading_blocks = 1"):
        assert what in remarks[0]
    assert "got" not in remarks[0]


def test_seeds_that_diverged_are_said_at_their_point():
    def noted(point):
        notes = ("sac-tuned: training diverged in 1 of 4 seeds", "else")
        return structs.replace(point, evaluation=structs.replace(point.evaluation, notes=notes))

    (remark,) = diverged(at_point(FIG5, 0, noted), RESULTS)
    assert "D = 0.2–0.4 Mbit, **SAC (repaired)**: training diverged in 1 of 4 seeds" in plain(remark)


def test_a_finding_says_from_where_to_where_and_how_near_to_the_optimum():
    words = plain(finding(FIG4, RESULTS))
    # 13.79 s times 2/6 and 10/6; (86.96 / 83.90)^(1/2 + K/12) - 1 at K = 2 and 10.
    for number in (
        "As the number of UDs K goes from 2 to 10, the optimum's mean latency goes from",
        "4.60 s to 22.98 s",
        "SAC (repaired) 2.4 to 4.9 %",
    ):
        assert number in words
    assert "goes from 0.2–0.4 Mbit to 1.0–1.2 Mbit" in plain(finding(FIG5, RESULTS))


def test_feasibility_is_told_by_the_optimum_s_misses():
    words = page_of(build(RESULTS)).words
    # Made-up rates are 0.95 times the load: below a half at K = 2, at 0.2–0.4 Mbit and at 2 MHz. Of 24 points, seven
    # have the preset's optimum.
    assert "At 15 of the 18 points" in words
    assert "The lowest share is 31.7 %, at number of UDs K = 2." in words


def test_a_sweep_of_one_s_own_needs_no_optimum():
    mine = structs.replace(FIG4, schemes=("sac-tuned",), figure="", name="mine", title="Mine")
    page = page_of(build(swept([mine])))
    assert "What latency depends on" in page.headings
    assert "How often the optimum meets the deadline" not in page.headings
    assert "the mean latency of SAC (repaired) goes from" in page.words
