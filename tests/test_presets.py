"""Presets, users' scenario files and overrides; every way in which they can be wrong."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from twinsync.presets import TAGS, load_preset, load_scenario, preset_names
from twinsync.scenario import constants

# What Table II and Section V print, in SI units.
STATED = {
    "device_count": 6,
    "slot_count": 25,
    "cycle_s": 30.0,
    "sensing_share": 0.25,
    "start_x_m": 50.0,
    "start_y_m": 0.0,
    "start_radius_m": 5.0,
    "station_height_m": 0.0,
    "data_min_bits": 0.6e6,
    "data_max_bits": 0.8e6,
    "extraction_exponent": 1.2,
    "recovery_exponent": 1.5,
    "cycles_per_bit": 300.0,
    "capacitance": 1e-27,
    "device_cpu_max_hz": 1e9,
    "edge_cpu_max_hz": 10e9,
    "bandwidth_hz": 0.2e6,
    "transmit_power_min_w": 0.01,
    "transmit_power_max_w": 0.1,
    "reference_gain": 1e-3,
    "noise_power_w": 1e-11,
    "energy_budget_j": 0.5,
    "penalty_weight": 10.0,
}


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, "utf-8")
    return str(folder / name)


class TestPresets:
    def test_names(self):
        assert preset_names() == ["feasible", "literal", "live", "measured", "paper"]

    @pytest.mark.parametrize("key", STATED)
    def test_paper_carries_the_printed_value(self, key):
        preset = load_preset("paper")
        assert getattr(preset.scenario, key) == pytest.approx(STATED[key], rel=1e-12)
        assert preset.provenance[key].tag == "stated"

    @pytest.mark.parametrize("name", ["feasible", "literal", "live", "measured", "paper"])
    def test_every_key_says_where_it_comes_from(self, name):
        preset = load_preset(name)
        assert preset.name == name
        assert preset.description
        assert set(preset.provenance) == set(constants())
        for key, provenance in preset.provenance.items():
            assert provenance.tag in TAGS[:3], key
            assert provenance.source, key

    def test_decisions_for_what_the_paper_leaves_open(self, scenario):
        assert scenario.path_loss_exponent == 2.5
        assert scenario.extraction_factor_min == 0.3
        assert scenario.sensing_rate_bps is None
        assert scenario.sensing_energy_j_bit == 1e-8
        assert scenario.device_cpu_min_hz == scenario.edge_cpu_min_hz == 0.05e9
        assert (scenario.penalty, scenario.boundary, scenario.workload_law) == ("hinge", "free", "power")
        assert (scenario.speed_memory, scenario.speed_mean_m_s, scenario.speed_std_m_s) == (0.8, 1.0, 0.2)
        assert (scenario.direction_std_rad, scenario.latency_cap_slots) == (0.5, 5.0)
        provenance = load_preset("paper").provenance
        assert provenance["path_loss_exponent"].tag == "assumed"
        assert provenance["sensing_rate_bps"].tag == "derived"

    def test_feasible_and_literal_change_only_what_they_say(self, scenario):
        assert load_scenario("feasible") == scenario.replace(bandwidth_hz=2e6, path_loss_exponent=3.0)
        assert load_scenario("literal") == scenario.replace(penalty="literal", latency_cap_slots=math.inf)


class TestOverrides:
    def test_sets_values_with_units(self):
        preset = load_preset("paper", ["bandwidth_hz=1 MHz", " device_count = 4 ", "noise_power_w=-90 dBm"])
        assert preset.scenario.bandwidth_hz == 1e6
        assert preset.scenario.device_count == 4
        assert preset.scenario.noise_power_w == pytest.approx(1e-12)
        assert preset.provenance["bandwidth_hz"].tag == "user"
        assert preset.provenance["bandwidth_hz"].source == "--set"
        assert preset.provenance["cycle_s"].tag == "stated"

    def test_auto_and_back(self):
        assert load_scenario("paper", ["sensing_rate_bps=3 Mbit/s"]).sensing_rate_bps == 3e6
        assert load_scenario("paper", ["sensing_rate_bps=3e6", "sensing_rate_bps=auto"]).sensing_rate_bps is None

    def test_piecewise_law(self):
        changed = load_scenario("paper", ["workload_law=piecewise", "workload_knots=[[0.1, 9, 2.0], [1, 1, 1]]"])
        assert changed.workload_knots == ((0.1, 9.0, 2.0), (1.0, 1.0, 1.0))

    def test_law_of_accuracy(self):
        preset = load_preset("paper", ["accuracy_knots=[[0.1, 30], [1, 60.5]]"])
        assert preset.scenario.accuracy_knots == ((0.1, 30.0), (1.0, 60.5))
        assert preset.provenance["accuracy_knots"].tag == "user"
        assert load_scenario("measured", ["accuracy_knots=[]"]).accuracy_knots == ()

    def test_two_sets_may_need_each_other(self, complains):
        with complains("--set: transmit_power_min_w = 1 W exceeds paper: transmit_power_max_w = 0.1 W"):
            load_scenario("paper", ["transmit_power_min_w=1"])
        assert load_scenario("paper", ["transmit_power_min_w=1", "transmit_power_max_w=2"]).transmit_power_max_w == 2.0

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ("bandwidth_hz", "--set 'bandwidth_hz': expected key=value"),
            ("=5", "expected key=value"),
            ("bandwidth_hz=", "expected key=value"),
            ("bandwith_hz=5", "--set: unknown key 'bandwith_hz'; did you mean 'bandwidth_hz'?"),
            ("zzz=5", "unknown key 'zzz'; `twinsync scenario show paper` lists every key"),
            ("base=feasible", "unknown key 'base'"),
            ("bandwidth_hz=nan", "--set: bandwidth_hz: expected a number in Hz, got 'nan'"),
            ("bandwidth_hz=-1 kHz", "--set: bandwidth_hz = -1000 Hz is outside its bound (0, 1e+12] Hz"),
            ("bandwidth_hz=0.2 MW", "--set: bandwidth_hz: wrong unit in '0.2 MW'; expected Hz"),
            ("bandwidth_hz=auto", "--set: bandwidth_hz: expected a number in Hz, got 'auto'"),
            ("bandwidth_hz=1e999", "--set: bandwidth_hz = inf Hz is outside its bound"),
            ("device_count=10 dB", "--set: device_count: '10 dB' is no power ratio"),
            ('accuracy_knots=[[0.1,"33 dB"],[1,"60 dB"]]', "accuracy_knots: '33 dB' is no power ratio"),
            ("reference_gain=1e9 dB", "--set: reference_gain: '1e9 dB' is too large"),
            ("device_count=0", "--set: device_count = 0 is outside its bound [1, 1e+06]"),
            ("device_count=2.5", "--set: device_count = '2.5' must be a whole number"),
            ("device_count=inf", "--set: device_count = 'inf' must be a whole number"),
            ("extraction_factor_min=0", "--set: extraction_factor_min = 0 is outside its bound (0, 1]"),
            ("extraction_factor_min=1.5", "--set: extraction_factor_min = 1.5 is outside its bound (0, 1]"),
            ("penalty=soft", "--set: penalty = 'soft' is not one of hinge, literal"),
            ("workload_law=piecewise", "paper: workload_knots: the piecewise law needs at least two rows"),
            ("workload_knots=5", "--set: workload_knots: expected rows [[phi, extraction, recovery], ...], got 5"),
            ("workload_knots=[[1, 2]]", "--set: workload_knots: expected rows"),
            ("workload_knots=[[1, 2, nan]]", "--set: workload_knots: NaN is not a value"),
            ("workload_knots=[[", "--set: workload_knots: expected rows"),
            ("accuracy_knots=[[1, 2, 3]]", "--set: accuracy_knots: expected rows [[phi, psnr_db], ...], got"),
            ("accuracy_knots=[[0.1, 9], [1, 8]]", "--set: accuracy_knots: PSNR may not fall as phi rises"),
        ],
    )
    def test_refuses(self, complains, item, expected):
        with complains(expected):
            load_scenario("paper", [item])


class TestFiles:
    def test_starts_from_a_preset(self, tmp_path):
        path = write(
            tmp_path,
            "mine.toml",
            """
            description = "More radio"
            base = "feasible"
            bandwidth_hz = "4 MHz"
            device_count = 3
            energy_budget_j = { value = 1.0, tag = "derived", source = "our battery" }
            """,
        )
        preset = load_preset(path, ["cycle_s=60 s"])
        assert (preset.name, preset.description) == ("mine", "More radio")
        assert preset.scenario == load_scenario("feasible").replace(
            bandwidth_hz=4e6, device_count=3, energy_budget_j=1.0, cycle_s=60.0
        )
        assert (preset.provenance["bandwidth_hz"].tag, preset.provenance["bandwidth_hz"].source) == ("user", path)
        assert preset.provenance["energy_budget_j"].source == "our battery"
        assert preset.provenance["path_loss_exponent"].source == "urban path loss"

    def test_base_is_found_beside_the_file(self, tmp_path, monkeypatch):
        (tmp_path / "sub").mkdir()
        write(tmp_path / "sub", "lower.toml", 'base = "paper"\ndevice_count = 2')
        upper = write(tmp_path / "sub", "upper.toml", 'base = "lower.toml"\nslot_count = 5')
        monkeypatch.chdir(tmp_path)
        changed = load_scenario(os.path.relpath(upper))
        assert (changed.device_count, changed.slot_count) == (2, 5)
        absolute = write(tmp_path, "absolute.toml", f'base = "{upper}"')
        assert load_scenario(absolute) == changed

    def test_complete_file_needs_no_base(self, tmp_path, scenario):
        lines = [f"{key} = {value}" for key, value in STATED.items()]
        rest = {k: v for k, v in vars(scenario).items() if k not in STATED}
        rest |= {"sensing_rate_bps": "auto", "workload_knots": []}
        del rest["accuracy_knots"]  # later than the others: files from before it stay complete
        lines += [f"{key} = {value!r}" for key, value in rest.items()]
        preset = load_preset(write(tmp_path, "whole.toml", "\n".join(lines)))
        assert preset.scenario == scenario
        assert preset.provenance["accuracy_knots"].tag == "assumed"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("base = 'papr'", r"base = 'papr' is neither a preset (feasible, "),
            ("base = 'papr'", "nor a file; did you mean 'paper'?"),
            ('bandwidth_hz = "2 MHz\nslot_count = 5', "is a quotation mark missing?"),
            ("base = 'paper'\nbandwith_hz = 5", "unknown key 'bandwith_hz'; did you mean 'bandwidth_hz'?"),
            ("base = 'paper'\nbandwidth_hz = -1", ": bandwidth_hz = -1 Hz is outside its bound (0, 1e+12] Hz"),
            ("base = 'paper'\nbandwidth_hz = nan", ": bandwidth_hz: NaN is not a value"),
            ("base = 'paper'\nbandwidth_hz = '5 W'", ": bandwidth_hz: wrong unit in '5 W'; expected Hz"),
            ("base = 'paper'\nbandwidth_hz = true", ": bandwidth_hz: expected a number in Hz, got True"),
            (f"base = 'paper'\nbandwidth_hz = 1{'0' * 400}", ": bandwidth_hz: 1000"),
            (f"base = 'paper'\nbandwidth_hz = 1{'0' * 5000}", "not valid TOML"),
            ("base = 'paper'\n[bandwidth_hz]\nvolume = 5", ": bandwidth_hz: expected a value, or a table with value"),
            ("base = 'paper'\nbandwidth_hz = {value = 1, tag = 'guess'}", "tag 'guess' is not one of stated, derived"),
            ("base = 'paper'\npenalty = 3", ": penalty = 3 is not one of hinge, literal"),
            ("base = 'paper'\ndevice_count = 0", ": device_count = 0 is outside its bound [1, 1e+06]"),
            ("base = 'paper'\ntransmit_power_min_w = 0.2", "paper: transmit_power_max_w = 0.1 W"),
            ("base = 7", "base must be a preset's name or a file's path, got 7"),
            ("base = 'nowhere.toml'", "is neither a preset (feasible, literal, live, measured, paper) nor a file"),
            ("device_count = 6", "missing keys slot_count, cycle_s"),
            ("device_count = ", "not valid TOML"),
        ],
    )
    def test_refuses(self, tmp_path, complains, text, expected):
        path = write(tmp_path, "bad.toml", text)
        with complains("nowhere.toml" if "nowhere" in text else path, expected):
            load_scenario(path)

    @pytest.mark.parametrize("back", ["b.toml", "./b.toml", "../{folder}/b.toml"])
    def test_refuses_a_circle(self, tmp_path, complains, back):
        write(tmp_path, "a.toml", f'base = "{back.format(folder=tmp_path.name)}"')
        path = write(tmp_path, "b.toml", 'base = "a.toml"')
        with complains("base refers back to itself", "a.toml -> ", "b.toml"):
            load_scenario(path)

    def test_refuses_what_is_no_text_file(self, tmp_path, complains):
        with complains(
            "'nowhere' is neither a preset (feasible, literal, live, measured, paper) nor a file that exists"
        ):
            load_scenario("nowhere")
        with complains(str(tmp_path), "cannot be read: Is a directory"):
            load_scenario(str(tmp_path))
        with complains("cannot be read: File name too long"):
            load_scenario("x" * 5000)
        (tmp_path / "image.toml").write_bytes(b"\x89PNG\xff\xfe")
        with complains("image.toml", "expected a TOML file in UTF-8"):
            load_scenario(str(tmp_path / "image.toml"))
