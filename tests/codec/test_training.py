"""Training makes the same tables again, which code better than tables that know nothing."""

from __future__ import annotations

import dataclasses
from unittest import mock

import numpy as np
import pytest

from twinsync.codec import camera
from twinsync.codec.evaluation import Setting, evaluate_clip
from twinsync.codec.filter_training import BATCH, PATCH, Patches, train_filter
from twinsync.codec.smoothing import FEATURES, OUTPUTS, no_network
from twinsync.codec.sources import sample_frames
from twinsync.codec.tables import Tables, untrained
from twinsync.codec.training import train

CLIP = np.ascontiguousarray(sample_frames()[:4, 90:154, 120:216])


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Tables trained on a small clip."""
    return train([CLIP])


def test_training_makes_the_same_tables_again(tables: Tables) -> None:
    assert train([CLIP]).identity == tables.identity
    assert train([CLIP], seed=1).identity != tables.identity


def test_trained_tables_code_better_than_untrained_ones(tables: Tables) -> None:
    def quality(these: Tables) -> float:
        with mock.patch.object(camera, "shipped", return_value=these):
            (result,) = evaluate_clip(CLIP, [0.05], Setting(), stills=False)
        return result.mean("psnr_db")

    assert quality(tables) > quality(untrained()) + 0.3


def _patches(count: int) -> Patches:
    """Cells that want to be half of their first feature."""
    inputs = np.random.default_rng(0).integers(-64, 64, (count, PATCH, PATCH, FEATURES)).astype(np.int8)
    wanted = np.repeat(inputs[..., :1] // 2, OUTPUTS, axis=-1).astype(np.int16)
    return Patches(inputs, wanted, np.ones((count, PATCH, PATCH), np.uint8))


def test_the_filter_network_is_the_same_again() -> None:
    first, again = train_filter(_patches(BATCH), 3), train_filter(_patches(BATCH), 3)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))


def test_the_filter_network_learns() -> None:
    errors: list[float] = []

    def progress(what: str, done: int, total: int) -> None:
        errors.append(float(what.rpartition(" ")[2]))  # a running mean over 100 batches

    train_filter(_patches(BATCH), 60, progress=progress)
    assert errors[-1] < 0.8 * errors[0]


def test_a_filter_without_enough_patches_changes_nothing() -> None:
    network = train_filter(_patches(BATCH - 1), 3)
    assert all(np.array_equal(one, two) for one, two in zip(network, no_network(), strict=True))
    tables = dataclasses.replace(untrained(), network=network)
    assert tables.identity == untrained().identity
