"""Results survive being written, and are told from what is damaged, cut short or something else."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from tests.experiments.compute.conftest import heuristic_cell, made_up, tiny_cell

from twinsync.errors import InputError
from twinsync.experiments.compute.store import Store, from_bytes, to_bytes
from twinsync.experiments.compute.work import compute


def same(a, b):
    assert (a.identity, a.trouble, a.diverged, a.card) == (b.identity, b.trouble, b.diverged, b.card)
    np.testing.assert_array_equal(a.curve, b.curve)  # NaN where there is no critic
    for x, y in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(x, y)
    if a.measured is None:
        assert b.measured is None
        return
    np.testing.assert_array_equal(a.measured.cost, b.measured.cost)
    np.testing.assert_array_equal(a.measured.latency_s, b.measured.latency_s)
    assert a.measured.means.keys() == b.measured.means.keys()
    for key, values in a.measured.means.items():
        np.testing.assert_array_equal(values, b.measured.means[key])


def test_a_compact_result_keeps_its_means_and_rounds_the_rest():
    (result,) = compute([tiny_cell()])
    whole, small = to_bytes(result), to_bytes(result, compact=True)
    assert len(small) < len(whole)
    found = from_bytes(small)
    assert found.identity == result.identity
    assert found.measured is not None
    assert result.measured is not None
    for name, values in result.measured.means.items():
        np.testing.assert_array_equal(found.measured.means[name], values)
    assert found.measured.cost.dtype == np.float64
    np.testing.assert_allclose(found.measured.cost, result.measured.cost, rtol=1e-6)
    for rounded, weight in zip(found.weights, result.weights, strict=True):
        assert rounded.dtype == np.float32
        np.testing.assert_allclose(rounded, weight, rtol=1e-3, atol=1e-6)


def test_a_learners_result_is_read_back_whole(tmp_path: Path):
    cell = tiny_cell()
    (result,) = compute([cell])
    store = Store(tmp_path)
    store.write(cell, result)
    found = store.read(cell)
    assert found is not None
    same(found, result)
    assert found.total_s == result.total_s > 0
    assert [row.slots for row in found.curve] == [0, 50, 100]


def test_the_optimums_certificate_is_kept():
    (result,) = compute([heuristic_cell("optimum")])
    found = from_bytes(to_bytes(result))
    assert found.relative_gap is not None
    assert found.relative_gap.shape == (2, 10)
    assert found.relative_gap.max() <= 1e-6


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_damaged_file_is_named_set_aside_and_missing(damage: str, tmp_path: Path):
    cell, store = heuristic_cell(), Store(tmp_path)
    store.write(cell, made_up(cell))
    path = store.path(cell)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 0xFF
    if damage == "other":
        data = bytearray(to_bytes(made_up(tiny_cell())))
    path.write_bytes(bytes(data[: {"cut": 100, "empty": 0}.get(damage, len(data))]))
    assert store.missing([cell]) == [cell]
    (sentence,) = store.damaged
    assert path.name in sentence
    assert "set aside" in sentence
    assert path.with_suffix(".damaged").exists()
    assert not path.exists()


def test_a_full_disk_leaves_earlier_results_and_no_half_file(tmp_path: Path, monkeypatch):
    first, second, store = heuristic_cell(), heuristic_cell(seed=1), Store(tmp_path)
    store.write(first, made_up(first))

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*earlier results are kept.*--resume"):
        store.write(second, made_up(second))
    assert [path.name for path in tmp_path.iterdir()] == [store.path(first).name]


def test_each_address_is_missing_once(tmp_path: Path):
    assert Store(tmp_path / "none").missing([tiny_cell(), tiny_cell()]) == [tiny_cell()]


def test_whatever_is_damaged_in_a_file_is_no_result():
    content = bytearray(to_bytes(made_up(heuristic_cell()), compact=True))
    dice = np.random.default_rng(0)
    refused = 0
    for place, bit in zip(dice.integers(0, len(content), 400), dice.integers(0, 8, 400), strict=True):
        content[place] ^= 1 << bit
        try:
            from_bytes(bytes(content))
        except ValueError:
            refused += 1
        content[place] ^= 1 << bit
    assert refused > 200


def test_an_allocator_that_could_not_be_asked_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "results")
    for text, asked in (
        ("import gone", True),
        ("from twinsync.allocators.heuristics import EqualShare as rule", False),
    ):
        (tmp_path / "mine.py").write_text(text)
        cell = heuristic_cell("mine.py:rule")
        (result,) = compute([cell])
        store.write(cell, result)
        assert (store.missing([cell]) == [cell]) == asked
