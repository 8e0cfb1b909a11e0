"""Constants for people: as the paper prints them, and back."""

import pytest

from twinsync.experiments.constants import describe_constants, scenario_values, value_text
from twinsync.presets import load_preset, load_scenario
from twinsync.quantity import parse_quantity
from twinsync.scenario import constants

PRINTED = {
    "device_count": "6",
    "cycle_s": "30 s",
    "bandwidth_hz": "0.2 MHz",
    "data_max_bits": "0.8 Mbit",
    "edge_cpu_max_hz": "10 GHz",
    "transmit_power_min_w": "0.01 W",
    "reference_gain": "-30 dB",
    "noise_power_w": "-80 dBm",
    "capacitance": "1e-27",
    "cycles_per_bit": "300 cycle/bit",
    "sensing_rate_bps": "auto: 2.66667 Mbit/s",
    "workload_knots": "none",
    "accuracy_knots": "none",
    "boundary": "free",
}


@pytest.mark.parametrize(("key", "text"), PRINTED.items())
def test_values_read_as_table_ii_prints_them(key: str, text: str) -> None:
    assert value_text(load_scenario("paper"), key) == text


def test_texts_read_back_to_the_value() -> None:
    scenario = load_scenario("feasible", ["sensing_rate_bps=3.7 Mbit/s", "bandwidth_hz=1234567 Hz"])
    for key, constant in constants().items():
        if constant.choices or constant.columns:
            continue
        back = parse_quantity(value_text(scenario, key), constant.unit, where=key)
        assert back == pytest.approx(getattr(scenario, key), rel=1e-5)


def test_knots_show_as_rows() -> None:
    knots = "workload_knots=[[0.3, 4.2, 1.8], [1, 1, 1]]"
    assert value_text(load_scenario("paper", ["workload_law=piecewise", knots]), "workload_knots") == (
        "(0.3, 4.2, 1.8); (1, 1, 1)"
    )
    law = load_scenario("paper", ["accuracy_knots=[[0.005, 35.32], [1, 99]]"])
    assert value_text(law, "accuracy_knots") == "(0.005, 35.32); (1, 99)"


def test_every_constant_is_described_with_its_tag() -> None:
    entries = describe_constants(load_preset("paper", ["bandwidth_hz=2 MHz"]))
    assert [entry.key for entry in entries] == list(constants())
    changed = next(entry for entry in entries if entry.key == "bandwidth_hz")
    assert (changed.value, changed.text, changed.unit) == (2e6, "2 MHz", "Hz")
    assert (changed.tag, changed.source, changed.bound) == ("user", "--set", "(0, 1e+12]")


def test_values_are_si_numbers_with_the_automatic_rate_resolved() -> None:
    values = scenario_values(load_scenario("literal"))
    # D_max / (eta tau) = 0.8e6 / (0.25 * 1.2)
    assert values["sensing_rate_bps"] == pytest.approx(0.8e6 / 0.3)
    assert values["latency_cap_slots"] is None
    assert values["workload_knots"] == []
    assert (values["device_count"], values["penalty"]) == (6, "literal")
