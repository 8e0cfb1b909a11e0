"""Windows of inertial samples: exact sizes, both ends agree, cuts and damage end in samples or a named error."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.codec.container import MissingReference, StreamError
from twinsync.codec.series import SeriesDecoder, SeriesEncoder, basis, nmse
from twinsync.errors import InputError


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Eight successive windows of 64 x 6: two swings and sensor noise."""
    random = np.random.default_rng(0)
    time = np.arange(8 * 64)[:, None] / 50
    swing = 3000 * np.sin(2 * np.pi * np.array([1.0, 1.0, 2.0, 1.0, 0.5, 2.0]) * time + np.arange(6))
    swing += np.array([4096, 0, -1000, 0, 0, 300]) + random.normal(0, 30, swing.shape)
    return np.rint(swing).astype(np.int16).reshape(8, 64, 6)


@pytest.mark.parametrize("factor", [0.05, 0.12, 0.3, 1.0])
def test_both_ends_agree_at_the_exact_size(windows: np.ndarray, factor: float) -> None:
    device, edge, decoded = SeriesEncoder(), SeriesDecoder(), []
    for window in windows:
        revision, stream = device.encode(window, factor)
        assert len(stream) == int(factor * 64 * 6 * 16) // 8
        decoded.append(edge.decode(stream))
        assert np.array_equal(decoded[-1], device.sent[revision].samples)
        device.acknowledge(revision)
    assert nmse(np.stack(decoded), windows) < 0.02 * (0.05 / factor) ** 2


def test_more_bits_less_error_and_a_cut_costs_accuracy(windows: np.ndarray) -> None:
    errors = []
    for factor in (0.05, 0.1, 0.3):
        _, stream = SeriesEncoder().encode(windows[0], factor)
        errors.append(nmse(SeriesDecoder().decode(stream)[None], windows[:1]))
    assert errors == sorted(errors, reverse=True)
    half = nmse(SeriesDecoder().decode(stream[: len(stream) // 2])[None], windows[:1])
    assert errors[-1] < half < 1


def test_a_window_of_many_samples_in_few_bytes_is_cut() -> None:
    # 126 x 7 coefficients cost more than the 4 bytes that the header leaves, even if all are zero.
    window = np.cumsum(np.random.default_rng(0).normal(0, 200, (126, 7)), axis=0).astype(np.int16)
    device = SeriesEncoder()
    revision, stream = device.encode(window, 0.00585)
    assert len(stream) == int(0.00585 * 126 * 7 * 16) // 8 == 10
    assert np.array_equal(SeriesDecoder().decode(stream), device.sent[revision].samples)


def test_a_decoder_may_begin_with_any_window_that_was_coded_alone(windows: np.ndarray) -> None:
    device = SeriesEncoder()
    for _ in range(20):  # none acknowledged, so that each is coded alone
        device.encode(windows[0], 0.05)
    edge = SeriesDecoder()
    for window in windows[:2]:
        revision, stream = device.encode(window, 0.05)
        assert np.array_equal(edge.decode(stream), device.sent[revision].samples)
        device.acknowledge(revision)
    assert sorted(edge.held) == [20, 21]


def test_lost_windows_are_no_references(windows: np.ndarray) -> None:
    device, edge = SeriesEncoder(), SeriesDecoder()
    edge.decode(device.encode(windows[0], 0.2)[1])
    device.acknowledge(0)
    device.encode(windows[1], 0.2)  # lost
    revision, stream = device.encode(windows[2], 0.2)
    assert np.array_equal(edge.decode(stream), device.sent[revision].samples)
    with pytest.raises(MissingReference, match="revision 0"):
        SeriesDecoder().decode(stream)
    with pytest.raises(MissingReference):
        device.acknowledge(99)


def test_a_revision_is_told_by_its_last_bits_over_a_long_run(windows: np.ndarray) -> None:
    device, edge = SeriesEncoder(), SeriesDecoder()
    for slot in range(69):
        revision, stream = device.encode(windows[slot % 8], 0.05)
        if slot % 3:
            assert np.array_equal(edge.decode(stream), device.sent[revision].samples)
            device.acknowledge(revision)
    assert max(edge.held) == revision == 68


def test_damage_ends_in_samples_or_a_named_error(windows: np.ndarray) -> None:
    random = np.random.default_rng(0)
    device, edge = SeriesEncoder(), SeriesDecoder()
    edge.decode(device.encode(windows[0], 0.2)[1])
    device.acknowledge(0)
    _, stream = device.encode(windows[1], 0.2)
    decoded = 0
    for _ in range(1000):
        content = np.frombuffer(stream, np.uint8).copy()
        content[random.integers(len(content), size=2)] = random.integers(0, 256, 2)
        try:
            samples = edge.decode(content[: random.integers(1, len(content) + 1)].tobytes())
        except StreamError:
            continue
        decoded += 1
        assert samples.dtype == np.int16
    assert decoded > 500


def test_the_basis_is_orthonormal_and_far_from_rounding_ties() -> None:
    for length in (16, 50, 64, 100):
        rows = basis(length).astype(float) / 16384
        assert np.allclose(rows @ rows.T, np.eye(length), atol=2e-3)
        k, n = np.mgrid[:length, :length]
        exact = np.sqrt(np.where(k == 0, 1.0, 2.0) / length) * np.cos((2 * n + 1) * k * np.pi / (2 * length)) * 16384
        # Floating-point cosines differ between machines by 1e-12 of this at most.
        assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-9


@pytest.mark.parametrize(("shape", "factor"), [((300, 6), 0.1), ((64, 100), 0.1), ((8, 2), 0.1)])
def test_windows_out_of_bounds_are_refused(shape: tuple[int, int], factor: float) -> None:
    with pytest.raises(InputError):
        SeriesEncoder().encode(np.zeros(shape, np.int16), factor)


def test_nmse_by_hand() -> None:
    # One channel 0, 2, 0, 2: deviation from the mean 1 each, four in all; one error of 1.
    true = np.array([[[0], [2], [0], [2]]], np.int16)
    assert nmse(true + np.array([[[0], [0], [0], [1]]], np.int16), true) == 0.25
