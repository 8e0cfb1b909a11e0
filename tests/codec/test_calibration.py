"""Laws are recovered from costs made by them; the scenario written loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.calibration import (
    FACTORS,
    Accuracy,
    Cost,
    fit_laws,
    least_factor,
    measure_accuracy,
    scenario_text,
    supported,
)
from twinsync.errors import InputError
from twinsync.presets import load_preset, load_scenario


def _cost(encode: np.ndarray, decode: np.ndarray, noise: float = 0.02) -> Cost:
    random = np.random.default_rng(0)
    spread = np.exp(random.normal(0, noise, (2, len(FACTORS), 30)))
    return Cost(FACTORS, encode[:, None] * spread[0], decode[:, None] * spread[1], 2.5e9)


def test_the_power_law_is_recovered() -> None:
    phi = np.array(FACTORS)
    laws = fit_laws(_cost(300 * phi**-1.2, 300 * phi ** (1 - 1.5)))
    power = {law.name: law for law in laws}["power"]
    for name, true in (("cycles_per_bit", 300), ("extraction_exponent", 1.2), ("recovery_exponent", 1.5)):
        value, low, high = power.parameters[name]
        assert value == pytest.approx(true, rel=0.02)
        assert low <= value <= high
    assert supported(laws).name == "power"


def test_work_that_rises_with_phi_is_no_power_law() -> None:
    phi = np.array(FACTORS)
    laws = fit_laws(_cost(300 * phi**0.4, 300 * phi**0.6))
    assert {law.name: law for law in laws}["power"].parameters["extraction_exponent"][0] == pytest.approx(
        -0.4, abs=0.02
    )
    assert supported(laws).name == "piecewise"


def test_a_flat_cost_supports_the_constant_law() -> None:
    laws = fit_laws(_cost(np.full(8, 250.0), np.full(8, 250.0)))
    assert supported(laws).name == "constant"
    assert laws[1].parameters["cycles_per_bit"][0] == pytest.approx(250, rel=0.02)


@pytest.mark.parametrize("law", ["power", "constant", "piecewise"])
def test_the_scenario_written_loads_and_says_the_same(law: str, tmp_path: Path) -> None:
    phi = np.array(FACTORS)
    encode = {"power": 300 * phi**-0.5, "constant": np.full(8, 250.0), "piecewise": 200 + 900 * phi}[law]
    decode = {"power": 300 * phi**-0.5, "constant": np.full(8, 250.0), "piecewise": 50 + 700 * phi}[law]
    cost = _cost(encode, decode, 1e-3)
    laws = fit_laws(cost)
    assert supported(laws).name == law
    path = tmp_path / "measured.toml"
    clip = 'frames of my "old" C:\\clip.mp4'  # which TOML would read as the string's end, and as an escape
    path.write_text(scenario_text(cost, laws, 0.0125, 40, clip), "utf-8")
    assert clip in load_preset(str(path)).provenance["cycles_per_bit"].source
    scenario = load_scenario(str(path))
    assert scenario.workload_law == law
    assert scenario.extraction_factor_min == 0.0125
    if law == "piecewise":
        assert scenario.cycles_per_bit == pytest.approx(1100, rel=0.01)
        assert scenario.workload_knots[-1] == pytest.approx((1.0, 1.0, 750 / 1100), rel=0.01)


def test_the_accuracy_law_written_is_the_psnr_at_age_one_and_never_falls(tmp_path: Path) -> None:
    measured = [
        *(_accuracy(1, factor, psnr) for factor, psnr in ((0.04, 40.26), (0.01, 36.123), (0.1, 40.1), (1.0, 99.0))),
        _accuracy(2, 0.01, 35.0),
    ]
    cost = _cost(np.full(8, 250.0), np.full(8, 250.0))
    path = tmp_path / "measured.toml"
    path.write_text(scenario_text(cost, fit_laws(cost), 0.0125, 40, "a clip", measured), "utf-8")
    preset = load_preset(str(path))
    # At 0.1 a coder may do what it did at 0.04.
    assert preset.scenario.accuracy_knots == ((0.01, 36.12), (0.04, 40.26), (0.1, 40.26), (1.0, 99.0))
    provenance = preset.provenance["accuracy_knots"]
    assert provenance.tag == "derived"
    assert "on a clip: mean PSNR against a twin one slot old, an exact frame counted as 99 dB" in provenance.source


def _accuracy(age: int, factor: float, psnr_db: float) -> Accuracy:
    return Accuracy(age, factor, psnr_db, f1=0.9, ms_ssim=0.99, nmse=1e-3)


def test_least_factor_by_hand() -> None:
    accuracy = [_accuracy(1, 0.01, 36.0), _accuracy(1, 0.04, 40.0), _accuracy(2, 0.01, 50.0)]
    assert least_factor(accuracy, 30.0) == 0.01
    assert least_factor(accuracy, 38.0) == pytest.approx(0.02)  # half way in decibels, so in ln(phi)
    with pytest.raises(InputError, match=r"the best is 40\.0 dB"):
        least_factor(accuracy, 45.0)


def test_an_older_reference_costs_accuracy(street: np.ndarray) -> None:
    results = measure_accuracy(street[:6], factors=(0.01,), ages=(1, 5, 20))
    assert [result.age for result in results] == [1, 5]
    assert results[0].psnr_db > 38
    assert results[0].f1 > 0.9
    assert 0.95 < results[1].ms_ssim < results[0].ms_ssim < 1
    # NMSE is the squared error over the frame's variance: 38 dB is 10 grey levels squared of some 3,000.
    assert 0 < results[0].nmse < results[1].nmse < 0.01
