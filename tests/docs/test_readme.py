"""Every number in the README comes from the results it cites, and the script that says so can tell when one doesn't."""

from __future__ import annotations

import pytest

from benchmarks import readme

TEXT = readme.README.read_text("utf-8")


def test_every_number_comes_from_somewhere() -> None:
    assert list(readme.complaints(TEXT)) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("in use for 98 %", "in use for 88 %", "'the radio is in use for 98 % of the time'"),
        ("on JAX, and goes past it", "on JAX, 7 times faster", "'7' comes from no result"),
        ("| 20,480 |", "| 100,000 |", "the table is not that of docs/results/laptop/table.csv"),
    ],
)
def test_a_number_from_nowhere_is_told(before: str, after: str, told: str) -> None:
    assert before in TEXT
    assert any(told in line for line in readme.complaints(TEXT.replace(before, after, 1)))


def test_a_learner_without_its_training_length_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readme, "training_slots", lambda folder: {})
    with pytest.raises(ValueError, match="on how many slots it was trained"):
        readme.table()
