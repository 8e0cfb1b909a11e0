"""Names that are nearly right."""

from twinsync.suggest import did_you_mean

NAMES = ["equal-share", "optimum", "random"]


def test_the_nearest_name_is_suggested() -> None:
    assert did_you_mean("equalshare", NAMES) == "; did you mean 'equal-share'?"
    assert did_you_mean("Equal_Share", NAMES) == "; did you mean 'equal-share'?"
    assert did_you_mean("OPTIMUM", NAMES) == "; did you mean 'optimum'?"


def test_what_resembles_nothing_gets_no_suggestion() -> None:
    assert did_you_mean("xyz", NAMES) == ""
    assert did_you_mean("xyz", NAMES, otherwise="`list` lists them") == "; `list` lists them"
