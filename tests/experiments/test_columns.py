"""Columns: one entry serves every table and file."""

from __future__ import annotations

from tests.experiments.swept_folder import add_sweeps

from twinsync.experiments import columns
from twinsync.experiments.columns import COLUMNS, COMPARISON, SWEEP, Column, columns_of, exported
from twinsync.experiments.figures.sweep import sweep_rows
from twinsync.experiments.records import Estimate
from twinsync.experiments.report.sweep_sections import values
from twinsync.experiments.report.tables import comparison
from twinsync.experiments.report_folder import read_report_folder


def test_a_cell_shows_mean_and_interval_or_the_middle_or_a_dash(run_folder):
    row = read_report_folder(run_folder).run.rows["optimum"]
    latency, median, *_ = COLUMNS
    # 13.71 s, -0.4 and +0.48 %; the median is 0.93 and the 95th percentile 1.5 times it.
    assert latency.cell(row) == "13.71\n13.66 to 13.78"
    assert median.cell(row) == "12.75\n20.57"
    assert latency.cell(None) == median.cell(None) == "–"
    assert latency.heading == "Latency of a slot [s]"


def test_files_have_estimates_first_and_each_name_once():
    names = list(exported())
    assert len(set(names)) == len(names)
    assert names[:5] == ["latency_s_mean", "latency_s_low", "latency_s_high", "latency_s_median", "latency_s_p95"]
    assert names[-2:] == ["training_slots", "training_seeds"]


def test_a_new_column_is_one_entry(run_folder, monkeypatch):
    # Half of the energy, in mJ: in the comparison, in sweeps and in the files of both.
    new = Column("half", "Half the energy", "mJ", lambda row: Estimate(row.value("energy_j") / 2), 0, 1000.0)
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, new))
    found = read_report_folder(add_sweeps(run_folder))
    assert found.run is not None
    table = comparison(found.run)
    assert table.header[-1] == "Half the energy [mJ]"
    assert {row[-1] for row in table.rows} == {"1,400"}
    swept = values(found.sweeps[0])
    assert swept.header[-1] == "Half the energy [mJ]"
    half = 1000 * found.sweeps[0].points[0].measured["optimum"].value("energy_j") / 2
    assert f"{half:,.0f}" in {row[-1] for row in swept.rows}
    assert list(exported())[-1] == "half"
    assert {len(row) for row in sweep_rows(found.sweeps[0])} == {4 + len(exported()) + 3}


def test_each_table_has_its_columns_in_the_common_order():
    for table in (COMPARISON, SWEEP):
        shown = columns_of(table)
        assert [COLUMNS.index(column) for column in shown] == sorted(COLUMNS.index(column) for column in shown)
        assert [column.key for column in shown[-2:]] == ["training_slots", "training_seeds"]
