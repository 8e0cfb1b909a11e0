"""Every benchmark runs at its quick size and its numbers reach the page; the harness by hand."""

from __future__ import annotations

import json

import pytest
from benchmarks.__main__ import main
from benchmarks.harness import Table, Timing, interleave
from benchmarks.sections.simulator import disagreement


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("start", ("first run", "second run")),
        ("simulator", ("twinsync", "NumPy loop", "NumPy vectorised")),
        ("sac", ("twinsync", "Stable-Baselines3")),
        ("optimum", ("twinsync", "IPOPT", "SLSQP", "K = 12")),
    ],
)
def test_a_section_writes_its_numbers(tmp_path, capsys, name, candidates):
    out = tmp_path / "page.md"
    made = {"command": "c", "started": "2020-01-01T", "machine": "m", "versions": {"numpy": "2"}}
    old = {"hybrid": {"made": made, "markdown": ["## Hybrids", "", "old numbers"]}}
    out.with_suffix(".json").write_text(json.dumps(old), "utf-8")
    main(["--quick", "--only", name, "--out", str(out)])
    page, raw = out.read_text("utf-8"), json.loads(out.with_suffix(".json").read_text("utf-8"))[name]
    for candidate in candidates:
        assert candidate in page
    assert f"python -m benchmarks --only {name} --quick" in page
    assert page.index(f"--only {name}") < page.index("old numbers")  # a section that was not run again stays
    for table in (table for table in raw["tables"] if "rates_per_s" in table):
        assert min(rate for rates in table["rates_per_s"].values() for rate in rates) > 0
        assert table["title"] in page
    assert capsys.readouterr().out.strip() == page.strip()


def test_an_unknown_section_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--only", "simulator,no", "--out", str(tmp_path / "page.md")])
    assert "unknown section no; there are start, learners, quality, simulator, sac, optimum" in capsys.readouterr().err


def test_the_peers_pay_the_same_for_the_same_decision():
    assert disagreement(50) < 1e-5


def test_candidates_take_turns_after_a_run_of_each():
    calls: list[str] = []
    timings = interleave({"a": (lambda: calls.append("a"), 1), "b": (lambda: calls.append("b"), 2)}, 2)
    assert calls == ["a", "b"] + ["a", "b"] * 2
    assert len(timings["a"].rates) == len(timings["b"].rates) == 2


def test_a_table_by_hand():
    # Medians 8 and 2 a second: four times; 1/8 s = 125 ms and 1/2 s = 500 ms an item.
    timings = {"ours": Timing((4.0, 8.0, 10.0)), "theirs": Timing((2.0, 1.0, 4.0))}
    rates = Table("Rates", "slots/s", timings, bars={"theirs": 5.0}).markdown()
    assert "| ours | 4 | 8 | 10 |  |  |" in rates
    assert "| theirs | 1 | 2 | 4 | 4x | 5x: missed |" in rates
    times = Table("Times", "a slot", timings, per_item=True, bars={"theirs": 4.0}).markdown()
    assert "| ours | 250 ms | 125 ms | 100 ms |  |  |" in times
    assert Table("", "", timings).ratios == {"theirs": 4.0}
    assert "| theirs | 1 s | 500 ms | 250 ms | 4x | 4x: met |" in times
