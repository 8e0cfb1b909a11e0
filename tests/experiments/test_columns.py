"""Columns: one entry serves every table and file."""

from __future__ import annotations

import math

import pytest
from tests.experiments.made_up import both, measured, scheme

from twinsync.experiments import columns
from twinsync.experiments.columns import (
    COLUMNS,
    COMPARISON,
    SWEEP,
    Column,
    Row,
    TableCell,
    by_cost,
    cell_of,
    columns_of,
    exported,
    training,
)
from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.figures.sweep import sweep_rows
from twinsync.experiments.records import Estimate
from twinsync.experiments.report.tables import comparison, comparison_csv, values


def test_a_cell_shows_mean_and_interval_or_the_middle_or_a_dash():
    optimum = measured(13.71, 81.3)
    latency, median, *_ = COLUMNS
    # 13.71 s, -0.4 and +0.48 %; the median is 0.93 and the 95th percentile 1.5 times it.
    assert latency.cell(optimum) == TableCell("13.71", "13.66 to 13.78")
    assert median.cell(optimum) == TableCell("12.75", "20.57")
    assert latency.cell(None) == median.cell(None) == TableCell("–")
    assert latency.heading == "Latency of a slot [s]"


@pytest.mark.parametrize(
    ("estimate", "cell"),
    [
        (None, TableCell("–")),
        (Estimate(-1.25), TableCell("−1.2")),
        (Estimate(1.25, 1.0, 1.5), TableCell("+1.2", "+1.0 to +1.5")),
        (Estimate(math.nan, math.nan, math.nan), TableCell("–")),
    ],
)
def test_an_estimate_as_a_signed_cell(estimate, cell):
    assert cell_of(estimate, 1, sign=True) == cell


@pytest.mark.parametrize(
    ("mean", "cell"),
    [
        (83.94, TableCell("83.9", "83.1 to 84.7")),
        (2.345, TableCell("2.35", "2.32 to 2.37")),
        (0.01512, TableCell("0.0151", "0.0150 to 0.0153")),
        (0.0, TableCell("0.0", "0.0 to 0.0")),
    ],
)
def test_a_small_number_has_more_decimals(mean, cell):
    assert cell_of(Estimate(mean, 0.99 * mean, 1.009 * mean), 1, significant=3) == cell


def test_files_have_estimates_first_and_each_name_once():
    names = list(exported())
    assert len(set(names)) == len(names)
    assert names[:5] == ["latency_s_mean", "latency_s_low", "latency_s_high", "latency_s_median", "latency_s_p95"]
    assert names[-2:] == ["training_slots", "training_seeds"]
    assert {name.partition("_")[0] for name in exported("cost")} == {"cost"}


def test_a_new_column_is_one_entry(monkeypatch):
    # Half of the latency, in ms: in the comparison, in sweeps and in the files of both.
    new = Column("half", "Half the latency", "ms", lambda item: Estimate(item.latency_s.mean / 2), 0, 1000.0)
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, new))
    results = both()
    table = comparison(results, "sac-tuned", by_cost(results))
    assert table.header[-1] == "Half the latency [ms]"
    assert table.rows[0][-1] == TableCell("6,855")  # of the optimum's 13.71 s
    swept = values(results.sweeps[0], results)
    assert swept.header[-1] == "Half the latency [ms]"
    half = 500 * results.sweeps[0].points[0].evaluation.allocators["optimum"].latency_s.mean
    assert TableCell(f"{half:,.0f}") in {row[-1] for row in swept.rows}
    assert list(exported())[-1] == "half"
    assert 6.855 in {row[-1] for row in comparison_csv(results)}
    assert {len(row) for row in sweep_rows(results.sweeps[0], results)} == {4 + len(exported()) + 3}


def test_what_is_the_same_in_every_row_leaves_the_table_for_its_caption(monkeypatch):
    new = Column("held", "Held", "J", lambda item: Estimate(1.4), 2)
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, new))
    results = both()
    rows = by_cost(results)
    table = comparison(results, "sac-tuned", rows)
    assert "Held [J]" not in table.header
    assert table.caption.endswith("The same in every row: Held [J] 1.40.")
    assert comparison(results, "sac-tuned", rows[:1]).header[-1] == "Held [J]"  # one row has nothing to differ from


def test_each_table_has_its_columns_in_the_common_order():
    for table in (COMPARISON, SWEEP):
        shown = columns_of(table)
        assert [COLUMNS.index(column) for column in shown] == sorted(COLUMNS.index(column) for column in shown)
        assert [column.key for column in shown[-2:]] == ["training_slots", "training_seeds"]


def row(label: str, slots: float) -> Row:
    return Row(scheme(label.lower(), label, "fixed"), measured(1.0, 2.0, training_slots=slots))


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ({"Optimum": math.nan}, ""),
        ({"SAC": 6400, "Optimum": math.nan}, "SAC was trained on 6,400 slots."),
        ({"SAC": 6400, "PPO": 6400}, "Each learner was trained on 6,400 slots."),
        (
            {"SAC": 6400, "PPO": 6400, "Gradient": 50},
            "Each learner was trained on 6,400 slots, apart from 50 for Gradient.",
        ),
    ],
)
def test_the_length_of_training_is_said_once_and_then_what_differs(slots, words):
    assert training(row(label, count) for label, count in slots.items()) == words


def test_a_cost_that_is_no_number_goes_last():
    results = both()
    cost = comparison_of(results).evaluation.allocators
    cost["optimum"] = measured(13.0, 80.0, cost=Estimate(math.nan))
    assert by_cost(results)[-1].scheme.name == "optimum"
    assert by_cost(results)[0].scheme.name == "gradient"
