"""A user's own slots: what is read, and one clear line for whatever is wrong."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from twinsync.cli.slots_file import read_slots_file
from twinsync.errors import InputError
from twinsync.scenario import Scenario

GOOD = {"data_bits": [6e5, 7e5], "distance_m": [50.0, 52.0], "channel_gain": [1e-8, 2e-8]}
CSV = """slot,device,data_bits,distance_m,channel_gain
0,0,6e5,50,1e-8
0,1,7e5,52,2e-8
"""


def write(folder: Path, content: object, name: str = "slots.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_json_is_read_as_given(tmp_path: Path, scenario: Scenario) -> None:
    path = write(tmp_path, {"scenario": {"ignored": 1}, "slots": [GOOD, {**GOOD, "cost": 1.0}]})
    given = read_slots_file(path)
    slot = given.slot(scenario)
    assert given.device_count == 2
    assert slot.data_bits.dtype == slot.block_gain.dtype == np.float64
    np.testing.assert_array_equal(slot.data_bits, [GOOD["data_bits"]] * 2)
    np.testing.assert_array_equal(slot.distance_m, [GOOD["distance_m"]] * 2)
    np.testing.assert_array_equal(slot.block_gain[..., 0], [GOOD["channel_gain"]] * 2)


def test_csv_gives_the_same_slots_in_any_order_of_rows_and_columns(tmp_path: Path, scenario: Scenario) -> None:
    rows = [line.split(",") for line in CSV.splitlines()]
    shuffled = "\n".join(",".join(row[i] for i in (4, 0, 2, 1, 3)) for row in [rows[0], rows[2], rows[1]])
    expected = read_slots_file(write(tmp_path, {"slots": [GOOD]})).slot(scenario)
    for name, text in (("a.csv", CSV), ("b.csv", "\ufeff" + shuffled), ("c.CSV", CSV.replace(",", " , "))):
        read = read_slots_file(write(tmp_path, text, name)).slot(scenario)
        assert jax.tree.all(jax.tree.map(np.array_equal, read, expected))


def test_without_a_gain_it_is_the_mean_at_the_distance(tmp_path: Path, scenario: Scenario) -> None:
    path = write(tmp_path, {"slots": [{"data_bits": [6e5, 6e5], "distance_m": [50.0, 0.5]}]})
    # beta_0 d^-2.5 = 1e-3 * 50^-2.5 = 5.657e-8; below the 1 m floor it is beta_0.
    gain = read_slots_file(path).slot(scenario).block_gain[0, :, 0]
    assert gain == pytest.approx([1e-3 * 50**-2.5, 1e-3], rel=1e-12)


@pytest.mark.parametrize("distance", [None, [None, None]])
def test_without_a_distance_none_is_made_up(tmp_path: Path, scenario: Scenario, distance: object) -> None:
    path = write(tmp_path, {"slots": [{**GOOD, "distance_m": distance}]})
    assert np.isnan(read_slots_file(path).slot(scenario).distance_m).all()


def test_an_empty_csv_cell_is_a_missing_distance(tmp_path: Path) -> None:
    assert (
        read_slots_file(write(tmp_path, CSV.replace(",50,", ",,").replace(",52,", ", ,"), "a.csv")).distance_m is None
    )


def without(field: str) -> dict[str, object]:
    return {key: value for key, value in GOOD.items() if key != field}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"slots": [' + "9" * 5000 + "]}", "not valid JSON"),
        ([GOOD], 'expected {"slots": [...]}'),
        ({"slot": [GOOD]}, 'expected {"slots": [...]}'),
        ({"slots": []}, "holds no slots"),
        ({"slots": [GOOD, 3]}, "slot 1: expected an object"),
        ({"slots": [without("data_bits")]}, "slot 0: data_bits is missing"),
        ({"slots": [GOOD, without("channel_gain")]}, "slot 1: channel_gain is missing, but slot 0 has it"),
        ({"slots": [{"data_bits": [1.0]}]}, "slot 0: channel_gain is missing; give it, or distance_m"),
        ({"slots": [GOOD, {**GOOD, "data_bits": [6e5]}]}, "slot 1: data_bits has 1 numbers, but slot 0 has 2"),
        ({"slots": [{**GOOD, "distance_m": [50.0]}]}, "slot 0: distance_m has 1 numbers, but data_bits has 2"),
        ({"slots": [{**GOOD, "data_bits": []}]}, "slot 0: data_bits must be a list of numbers"),
        ({"slots": [{**GOOD, "data_bits": 6e5}]}, "slot 0: data_bits must be a list of numbers"),
        ({"slots": [{**GOOD, "data_bits": [6e5, "7e5"]}]}, "slot 0: data_bits[1] must be a number, got '7e5'"),
        ({"slots": [{**GOOD, "data_bits": [6e5, True]}]}, "slot 0: data_bits[1] must be a number, got True"),
        ({"slots": [{**GOOD, "data_bits": [6e5, None]}]}, "slot 0: data_bits[1] must be a number, got None"),
        ({"slots": [GOOD, {**GOOD, "data_bits": [6e5, -7.0]}]}, "slot 1: data_bits[1] = -7 must be a finite number"),
        (
            {"slots": [{**GOOD, "data_bits": [6e5, 2e12]}]},
            "data_bits[1] = 2e+12 must be a finite number above 0 and at",
        ),
        ({"slots": [{**GOOD, "channel_gain": [0, 1e-8]}]}, "slot 0: channel_gain[0] = 0 must be a finite number above"),
        ({"slots": [{**GOOD, "channel_gain": [float("nan"), 1]}]}, "slot 0: channel_gain[0] = nan must be a finite"),
        ({"slots": [{**GOOD, "distance_m": [float("inf"), 1]}]}, "slot 0: distance_m[0] = inf must be a finite"),
        ({"slots": [{**GOOD, "data_bits": [10**400, 1]}]}, "slot 0: data_bits: a number is too large"),
    ],
)
def test_bad_json_names_slot_and_field(tmp_path: Path, content: object, fault: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_slots_file(path)
    assert str(caught.value).startswith(str(path))
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "column 'slot' is missing; expected slot,device,data_bits,distance_m,channel_gain"),
        ("slot,device,distance_m\n", "column 'data_bits' is missing"),
        (CSV.splitlines()[0], "holds no slots"),
        (CSV + "0,1,7e5,52,2e-8\n", "line 4: slot 0, device 1 appears twice"),
        (CSV + "1,1,7e5,52,2e-8\n", "slot 1 has no row for device 0"),
        (CSV + "1,0,7e5,52\n", "line 4: expected 5 values"),
        (CSV + "1,0,7e5,52,1e-8,9\n", "line 4: expected 5 values"),
        (CSV + "one,0,7e5,52,1e-8\n", "line 4: slot = 'one' must be a whole number"),
        (CSV + "1,0.5,7e5,52,1e-8\n", "line 4: device = '0.5' must be a whole number"),
        (CSV.replace("7e5", "many"), "line 3: data_bits = 'many' must be a number"),
        (CSV.replace("7e5", "-7e5"), "line 3: data_bits = -700000 must be a finite number above 0 and at most 1e+12"),
        (CSV.replace("2e-8", "nan"), "line 3: channel_gain = nan must be a finite number above 0"),
        (CSV.replace(",7e5,", ",,"), "slot 0: data_bits[1] must be a number, got None"),
        (CSV.replace("7e5", '"' + "7" * 200_000), "not valid CSV"),
    ],
)
def test_bad_csv_names_the_line(tmp_path: Path, text: str, fault: str) -> None:
    path = write(tmp_path, text, "slots.csv")
    with pytest.raises(InputError) as caught:
        read_slots_file(path)
    assert str(caught.value).startswith(str(path))
    assert fault in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        read_slots_file(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_slots_file(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.json: cannot be read: expected JSON or CSV in UTF-8"):
        read_slots_file(tmp_path / "binary.json")
