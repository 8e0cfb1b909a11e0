"""What decides: when Fig. 3 looks as printed, and whose studies a report shows."""

from dataclasses import replace

from tests.experiments.made_up import compared
from tests.experiments.made_up_study import studies, variant_row

from twinsync.experiments.report.document import Table
from twinsync.experiments.report.variants import last_fifths, looks_as_printed, variants_section
from twinsync.experiments.variants import PPO, RANDOM, SAC, SETTINGS, TOWARDS


def test_fig3_looks_as_printed_where_the_order_is_the_papers_and_all_are_stable():
    roles = {SAC: variant_row(SAC, 100.0), PPO: variant_row(PPO, 110.0), RANDOM: variant_row(RANDOM, 120.0)}
    assert looks_as_printed(roles)
    assert not looks_as_printed({**roles, PPO: variant_row(PPO, 130.0)})
    # 120 in the last but one fifth and 112 in the last: 6.7 % is not settled.
    assert not looks_as_printed({**roles, RANDOM: variant_row(RANDOM, [*[120.0] * 8, 112.0, 112.0])})
    assert not looks_as_printed({SAC: roles[SAC], PPO: roles[PPO]})


def test_a_curve_ends_in_its_last_two_fifths():
    assert last_fifths(variant_row(SAC, [9.0] * 6 + [3.0, 3.0, 1.0, 1.0])) == (3.0, 1.0)


def test_a_run_without_studies_shows_the_record_s():
    own, record = compared(), replace(compared(), studies=studies())
    assert variants_section(own, record) == variants_section(record, None)
    assert variants_section(own, None) == []


def test_a_direction_that_was_not_computed_yet_has_no_table():
    whole = studies()[SETTINGS]
    towards = type(whole)(tuple(row for row in whole.rows if row.direction == TOWARDS), ())
    blocks = variants_section(replace(compared(), studies={SETTINGS: towards}), None)
    assert sum(isinstance(block, Table) for block in blocks) == 1
