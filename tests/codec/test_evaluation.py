"""Clips measured: exact sizes, late acknowledgements, noise; MS-SSIM and the error's share by hand."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.codec.evaluation import Setting, busiest_frame, evaluate_clip, with_noise
from twinsync.codec.quality import error_share, ms_ssim
from twinsync.errors import InputError


def test_every_frame_has_the_exact_bytes_and_older_references_cost(scene: np.ndarray) -> None:
    (near,) = evaluate_clip(scene, [0.05], stills=False)
    (far,) = evaluate_clip(scene, [0.05], Setting(age=3), stills=False, shown=4)
    # floor(0.05 x 48 x 80 x 8) / 8 = 192 bytes.
    assert {frame.wire_bytes for frame in (*near.frames, *far.frames)} == {192}
    assert [frame.frame for frame in near.frames] == [1, 2, 3, 4, 5]
    assert [frame.frame for frame in far.frames] == [3, 4, 5]
    assert near.shown is None
    assert far.shown is not None
    assert far.shown.shape == scene[0].shape
    assert far.mean("psnr_db") < near.mean("psnr_db")


def test_a_lost_frame_is_not_measured(scene: np.ndarray) -> None:
    setting = Setting(lost=lambda place: place == 2)
    (result,) = evaluate_clip(scene[:4], [0.1], setting, stills=False)
    assert [frame.frame for frame in result.frames] == [1, 3]
    assert busiest_frame(scene[:4], setting) in (1, 3)


def test_bounds_of_a_setting_are_told(scene: np.ndarray) -> None:
    with pytest.raises(InputError, match="neither picture nor task"):
        Setting(priority="speed")
    with pytest.raises(InputError, match="99 slots old"):
        Setting(age=99)
    with pytest.raises(InputError, match="6 frames are too few for references 6 slots old"):
        evaluate_clip(scene, [0.1], Setting(age=6))


def test_noise_has_its_deviation_and_its_seed() -> None:
    grey = np.full((2, 100, 100), 128, np.uint8)
    noisy = with_noise(grey, 4.0, 1)
    # Rounding adds 1/12 of a grey level squared: sqrt(16 + 1/12) = 4.01; 20,000 samples tell it to 0.5 %.
    assert noisy.astype(float).std() == pytest.approx(4.01, rel=0.03)
    assert np.array_equal(noisy, with_noise(grey, 4.0, 1))
    assert not np.array_equal(noisy, with_noise(grey, 4.0, 2))
    assert not np.array_equal(noisy[0], noisy[1])


def test_error_share_by_hand() -> None:
    # 0, 2, 0, 2: mean squared deviation 1; one error of 1 in four samples.
    true = np.array([[0, 2], [0, 2]], np.uint8)
    assert error_share(true + np.array([[0, 0], [0, 1]], np.uint8), true) == 0.25
    assert error_share(true, np.zeros_like(true)) == float("inf")


def test_ms_ssim_of_even_pictures_is_the_luminance_term() -> None:
    # No structure to lose: the luminance at the coarsest scale is left, (2ab + c) / (a^2 + b^2 + c), c = 6.5025;
    # its exponent is the coarsest scale's, 0.1333.
    one, other = np.full((192, 192), 100, np.uint8), np.full((192, 192), 120, np.uint8)
    luminance = (2 * 100 * 120 + 6.5025) / (100**2 + 120**2 + 6.5025)
    assert ms_ssim(one, other) == pytest.approx(luminance**0.1333, abs=1e-9)
    assert ms_ssim(one, one) == pytest.approx(1.0, abs=1e-12)


def test_ms_ssim_falls_with_noise_and_needs_a_window(street: np.ndarray) -> None:
    likeness = [ms_ssim(with_noise(street[:1], deviation, 0)[0], street[0]) for deviation in (2.0, 8.0, 24.0)]
    assert 1.0 > likeness[0] > likeness[1] > likeness[2] > 0.3
    with pytest.raises(InputError, match="11 samples"):
        ms_ssim(street[0, :10], street[0, :10])
