"""`twinsync solve`: the documented JSON, the user's own slots, and the way back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinsync.cli.app import run
from twinsync.experiments.evaluate import draw_slot_set
from twinsync.presets import load_scenario

DECISIONS = {"extraction_factor", "device_cpu_hz", "transmit_power_w", "edge_cpu_hz"}
# One shape for all runs here, so that the solver is compiled once.
SMALL = ["--set", "device_count=2"]


def solve(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["solve", "--json", "-", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["solve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def write(path: Path, slots: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps({"slots": slots}))
    return str(path)


@pytest.fixture
def own() -> list[dict[str, Any]]:
    return [
        {"data_bits": [6e5, 7e5], "channel_gain": [1e-8, 3e-8]},
        {"data_bits": [8e5, 7e5], "channel_gain": [2e-8, 1e-7]},
    ]


def test_json_is_as_documented_and_reads_back_as_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = solve(capsys, *SMALL, "--slots", "2", "--seed", "3")
    assert set(first) == {"scenario", "slots"}
    assert first["scenario"]["device_count"] == 2
    assert first["scenario"]["bandwidth_hz"] == 2e5
    drawn, _ = draw_slot_set(load_scenario("paper", ["device_count=2"]), 3, 0, 2)
    for index, slot in enumerate(first["slots"]):
        assert set(slot) == {
            "data_bits",
            "distance_m",
            "channel_gain",
            "allocation",
            "latency_s",
            "cost",
            "lower_bound",
        }
        assert slot["data_bits"] == drawn.data_bits[index].tolist()
        assert slot["distance_m"] == drawn.distance_m[index].tolist()
        assert slot["channel_gain"] == drawn.block_gain[index, :, 0].tolist()
        assert set(slot["allocation"]) == DECISIONS
        assert all(len(values) == 2 for values in slot["allocation"].values())
        assert 0 < slot["latency_s"] <= slot["cost"] * (1 + 1e-12)
        assert slot["lower_bound"] <= slot["cost"] <= slot["lower_bound"] * (1 + 1e-4)
    file = tmp_path / "again.json"
    file.write_text(json.dumps(first))
    again = solve(capsys, "--input", str(file))  # K = 2 from the file, against the preset's 6
    assert again["scenario"] == first["scenario"]
    for before, after in zip(first["slots"], again["slots"], strict=True):
        for key in ("data_bits", "distance_m", "channel_gain"):
            assert after[key] == before[key]
        np.testing.assert_allclose(after["cost"], before["cost"], rtol=1e-9)


def test_own_slots_without_distances_give_null_and_read_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    first = solve(capsys, "--input", write(tmp_path / "own.json", own))
    assert first["slots"][0]["distance_m"] == [None, None]
    assert first["slots"][1]["channel_gain"] == own[1]["channel_gain"]
    (tmp_path / "again.json").write_text(json.dumps(first))
    assert solve(capsys, "--input", str(tmp_path / "again.json")) == first


def test_the_same_slots_from_csv(capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]) -> None:
    lines = ["slot,device,data_bits,channel_gain"]
    for index, slot in enumerate(own):
        pairs = zip(slot["data_bits"], slot["channel_gain"], strict=True)
        lines += [f"{index},{device},{data!r},{gain!r}" for device, (data, gain) in enumerate(pairs)]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    from_csv = solve(capsys, "--input", str(tmp_path / "own.csv"))
    assert from_csv == solve(capsys, "--input", write(tmp_path / "own.json", own))


def test_a_table_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]) -> None:
    assert run(["solve", "--input", write(tmp_path / "own.json", own)]) == 0
    assert "2 slots of 2 devices" in capsys.readouterr().out


def test_json_file_is_written_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    source, target = write(tmp_path / "own.json", own), tmp_path / "out.json"
    assert run(["solve", "--input", source, "--json", str(target)]) == 0
    assert capsys.readouterr().out == ""
    kept = target.read_text()
    assert len(json.loads(kept)["slots"]) == 2
    assert "already exists" in error(capsys, "--input", source, "--json", str(target))
    assert target.read_text() == kept


def test_another_number_of_devices_than_the_user_set(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    source = write(tmp_path / "own.json", own)
    line = error(capsys, "--input", source, "--set", "device_count=3")
    for fragment in (source, "slot 0", "data_bits has 2 numbers", "device_count is set to 3"):
        assert fragment in line
    (tmp_path / "mine.toml").write_text('base = "paper"\ndevice_count = 4\n')
    assert "device_count is set to 4" in error(capsys, "--input", source, "--scenario", str(tmp_path / "mine.toml"))
    assert solve(capsys, "--input", source, *SMALL)["scenario"]["device_count"] == 2


def test_slots_and_input_exclude_each_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    line = error(capsys, "--input", write(tmp_path / "own.json", own), "--slots", "1")
    assert "--slots and --input exclude each other" in line


def test_slots_beyond_double_precision_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    own[1]["channel_gain"] = [1e-8, 1e-300]
    path = write(tmp_path / "own.json", own)
    assert len(solve(capsys, "--input", path)["slots"]) == 2  # with the cap the device is given up, whatever its gain
    line = error(capsys, "--input", path, "--uncapped")
    assert "slot 1 cannot be solved in double precision: channel_gain from 1e-300 to 1e-08" in line


def test_a_faulty_file_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own: list[dict[str, Any]]
) -> None:
    own[1]["data_bits"] = [8e5]
    line = error(capsys, "--input", write(tmp_path / "own.json", own))
    for fragment in ("own.json", "slot 1", "data_bits", "1 numbers"):
        assert fragment in line


def test_uncapped_counts_what_lies_beyond_the_latency_cap(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # The first device's gain is too low for any uplink within five slots.
    path = write(tmp_path / "slots.json", [{"data_bits": [6e5, 7e5], "channel_gain": [1e-13, 3e-8]}])
    capped = solve(capsys, "--input", path)["slots"][0]
    uncapped = solve(capsys, "--input", path, "--uncapped")["slots"][0]
    assert capped["lower_bound"] <= capped["cost"] < 100
    assert uncapped["cost"] >= uncapped["lower_bound"] > 1000
