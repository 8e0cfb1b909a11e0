"""Which sections a report has, and what stands in them."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.experiments.made_up import both, compared, swept
from tests.experiments.report import golden
from tests.experiments.report.page import page_of

from twinsync.experiments.claims import check_claims
from twinsync.experiments.constants import describe_constants
from twinsync.experiments.report.sections import build
from twinsync.presets import load_preset


def test_the_sections_follow_what_there_is():
    alone = page_of(build(swept())).headings
    assert alone == [
        "Latency against one parameter at a time: Figs. 4 and 5",
        "Beyond the paper",
        "Latency trade-offs",
        "How often the optimum meets the deadline",
        "How this was made",
    ]
    results = both()
    headings = page_of(build(results, check_claims(None, results), results)).headings
    assert headings[:4] == [
        "How the schemes compare", "What the policies decide", "How they learn", "The paper as printed",
    ]  # fmt: skip
    assert headings[4:9] == [*alone[:3], "The paper’s claims", "How often the optimum meets the deadline"]
    assert headings[9:] == ["Where the latency and the energy go", "What was assumed", "How this was made"]
    assert "Which settings matter" in page_of(golden.document()).headings


def test_steady_training_is_not_called_unstable():
    results = compared(diverge=False)
    assert "nstable" not in page_of(build(results, (), results)).words


def test_without_the_schemes_as_printed_the_report_says_how_to_have_them():
    words = page_of(build(compared())).words
    assert "--retrain-printed" in words
    assert "As printed." not in words


def test_a_record_is_said_to_be_one_and_a_run_of_its_own_is_not():
    own = golden.results()
    assert "0123456789ab" in page_of(golden.document()).words
    assert "Recorded" not in page_of(build(own, (), own)).words


def test_open_constants_are_shown_and_the_rest_is_folded():
    page = page_of(build(compared()))
    assert "two hidden layers are printed, no width" in page.words_unfolded
    assert "bandwidth_hz" in page.words
    assert "bandwidth_hz" not in page.words_unfolded


def test_the_accuracy_law_is_shown_where_its_frontier_is():
    assert "bits of a raw sample" in page_of(build(both())).words
    assert "bits of a raw sample" not in page_of(build(compared())).words


def test_a_scenario_s_own_law_of_accuracy_takes_the_assumed_one_s_place():
    words = page_of(build(replace(both(), scenario=tuple(describe_constants(load_preset("measured")))))).words
    assert "bits of a raw sample" not in words
    assert "accuracy_knots" in words
    assert "The accuracy law is measured (twinsync codec calibrate on" in words


def test_remarks_name_schemes_as_people_do():
    results = compared()
    schemes = tuple(structs.replace(item, label="PPO, as usual") if item.name == "ppo" else item
                    for item in results.manifest.schemes)  # fmt: skip
    results = replace(results, manifest=structs.replace(results.manifest, schemes=schemes))
    assert "PPO, as usual breaks its limits." in page_of(build(results)).words_unfolded


def test_a_run_that_is_whole_is_not_called_incomplete():
    assert "Incomplete" not in page_of(build(compared())).words
    assert "41 of 44" in page_of(golden.document()).words


@pytest.mark.parametrize(
    ("commits", "page", "words"),
    [
        (("abc",), "abc", "abc"),
        (("abc",), "def", "results abc; this page def"),
        (("abc", "def"), "", "results abc and def; this page outside a repository"),
        ((), "def", "def"),
        ((), "", "not in a repository"),
    ],
)
def test_results_and_page_of_two_revisions_are_told_apart(commits, page, words):
    results = replace(compared(), sweeps=())
    manifest = structs.replace(results.manifest, comparison_commits=commits, git_revision=page)
    rows = page_of(build(replace(results, manifest=manifest))).rows
    assert ["Git revision", words] in rows
