"""The public Python interface: what each name takes and returns, and that nothing is imported before it is used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pytest

import twinsync
from twinsync.allocators.protocol import DECISIONS
from twinsync.api import Comparison, Table, TrainedPolicies
from twinsync.cli.app import run
from twinsync.experiments.compute.executors import Inline
from twinsync.export import export_run
from twinsync.learning.presets import find_settings
from twinsync.learning.training import start_training
from twinsync.learning.validation import override
from twinsync.runtime import OutsideTraining

TINY = {"slots": 160, "batch_size": 80, "hidden": (8,), "fading_draws": 2}


@pytest.fixture(scope="module")
def small() -> twinsync.Scenario:
    return twinsync.load_scenario("paper", device_count=2, bandwidth_hz="1 MHz")


@pytest.fixture(scope="module")
def trained(small: twinsync.Scenario, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedPolicies, Path]:
    folder = tmp_path_factory.mktemp("runs") / "mine"
    return twinsync.train(small, "gradient", seeds=2, out=folder, **TINY), folder


def halves(scenario, sight, key):
    """An allocator that takes half of everything."""
    one = np.ones_like(np.asarray(sight.data_bits))
    return twinsync.Allocation(
        extraction_factor=0.5 * one,
        device_cpu_hz=0.5 * scenario.device_cpu_max_hz * one,
        transmit_power_w=scenario.transmit_power_max_w * one,
        edge_cpu_hz=scenario.edge_cpu_max_hz / scenario.device_count * one,
    )


def test_import_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import twinsync; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.split() == ["twinsync"]


def test_every_name_is_there_and_seen_by_type_checkers() -> None:
    for name in twinsync.__all__:
        assert getattr(twinsync, name) is not None
        assert name in dir(twinsync)
    assert twinsync.__version__ == version("twinsync")
    with pytest.raises(AttributeError, match="no attribute 'slove'"):
        twinsync.slove  # noqa: B018
    tree = ast.parse(Path(twinsync.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "twinsync.api"]
    imported = {alias.name for node in imports for alias in node.names}
    assert imported | {"__version__"} == set(twinsync.__all__)


def test_a_scenario_takes_values_and_texts_with_units(small: twinsync.Scenario) -> None:
    assert (small.device_count, small.bandwidth_hz) == (2, 1e6)
    assert twinsync.load_scenario("paper", sensing_rate_bps="auto").sensing_rate_bps is None
    with pytest.raises(twinsync.InputError, match="load_scenario: unknown key 'bandwith_hz'; did you mean"):
        twinsync.load_scenario("paper", bandwith_hz=1)


def test_a_scenario_takes_what_a_scenario_has(small: twinsync.Scenario) -> None:
    measured = twinsync.load_scenario("measured", device_count=np.int64(2))
    knots, free = measured.workload_knots, measured.sensing_rate_bps
    copied = twinsync.load_scenario("paper", workload_law="piecewise", workload_knots=knots, sensing_rate_bps=free)
    assert copied.workload_knots == knots
    assert copied.sensing_rate_bps == free
    assert type(small.replace(device_count=np.int64(3)).device_count) is int
    with pytest.raises(twinsync.InputError, match=r"x\.toml"):
        twinsync.load_scenario(Path("x.toml"))


def test_no_slots_have_no_optimum_and_no_error(small: twinsync.Scenario) -> None:
    slots = twinsync.draw_slots(small, 1)
    solution = twinsync.solve(small, jax.tree.map(lambda x: x[:0], slots))
    assert (solution.cost.shape, solution.allocation.extraction_factor.shape) == ((0,), (0, small.device_count))


def test_slots_and_optimum_are_those_of_the_command(
    small: twinsync.Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    slots = twinsync.draw_slots(small, 3, seed=7)
    assert slots.data_bits.shape == (3, 2)
    assert slots.block_gain.shape == (3, 2, 1)
    best = twinsync.solve(small, slots)
    arguments = ["solve", "--set", "device_count=2", "--set", "bandwidth_hz=1 MHz", "--slots", "3", "--seed", "7"]
    assert run([*arguments, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)["slots"]
    np.testing.assert_array_equal(slots.data_bits, [slot["data_bits"] for slot in told])
    np.testing.assert_array_equal(best.cost, [slot["cost"] for slot in told])
    with pytest.raises(twinsync.InputError, match="count = 0 must be at least 1"):
        twinsync.draw_slots(small, 0)


def test_evaluate_takes_names_functions_and_lists(small: twinsync.Scenario, trained) -> None:
    policies, folder = trained
    stacked = start_training(small, override(find_settings("gradient", "tuned"), {"hidden": "8"}), seeds=2, seed=0)
    schemes = {
        "optimum": "optimum", "halves": halves, "learned": policies, "folder": folder, "stacked": stacked.policies(),
    }  # fmt: skip
    seen: list[tuple[str, int, int]] = []
    result = twinsync.evaluate(small, schemes, slots=4, seeds=2, progress=lambda *told: seen.append(told))
    assert result.table.column("allocator")[0] == "optimum"
    assert result.table.column("cost") == sorted(result.table.column("cost"))
    costs = dict(zip(result.table.column("allocator"), result.table.column("cost"), strict=True))
    assert costs["learned"] == costs["folder"]
    assert len(result.units) == 2 * (1 + 1 + 2 + 2 + 2)  # sets of slots, policies
    units = [row["cost"] for row in result.units if row["allocator"] == "halves"]
    assert np.mean(units) == pytest.approx(costs["halves"])
    assert result.summary["allocators"]["halves"]["cost"]["mean"] == costs["halves"]
    assert str(result).splitlines()[0].split()[:3] == ["allocator", "latency_s", "cost"]
    assert seen[-1][0] == "done"


def test_evaluate_names_what_has_no_name(small: twinsync.Scenario, trained) -> None:
    policies, folder = trained
    result: Comparison = twinsync.evaluate(small, ["equal-share", halves, folder, policies], slots=4, seeds=1)
    assert set(result.table.column("allocator")) == {"equal-share", "halves", "mine", "trained"}
    assert twinsync.evaluate(small, halves, slots=4, seeds=1).table.column("allocator") == ["halves"]
    assert twinsync.evaluate(small, policies, slots=4, seeds=1).table.column("allocator") == ["trained"]


def test_evaluate_warns_of_a_policy_trained_elsewhere(small: twinsync.Scenario, trained) -> None:
    _, folder = trained
    elsewhere = small.replace(bandwidth_hz=4e6)
    with pytest.warns(OutsideTraining, match=r"^mine: trained with bandwidth_hz 1e\+06, here 4e\+06; inputs beyond"):
        result = twinsync.evaluate(elsewhere, folder, slots=4, seeds=1)
    assert any(note.startswith("mine: trained with") for note in result.summary["notes"])


@pytest.mark.parametrize(
    ("allocators", "told"),
    [
        (["equalshare"], "did you mean 'equal-share'"),
        ({"mine": dict}, "allocator 'mine': expected a function"),
        ([halves, halves], "two allocators are called 'halves'"),
        ([], "no allocators"),
        (lambda scenario, sight, key: 1, "returned int, expected a twinsync.model.Allocation"),
    ],
)
def test_evaluate_says_what_is_wrong(small: twinsync.Scenario, allocators, told: str) -> None:
    with pytest.raises(twinsync.InputError, match=told):
        twinsync.evaluate(small, allocators, slots=4, seeds=1)


def test_training_in_memory_is_training_into_a_folder(small: twinsync.Scenario, trained) -> None:
    policies, folder = trained
    memory = twinsync.train(small, "gradient", seeds=2, **TINY)
    assert len(memory) == len(policies) == 2
    assert memory.curve.column("cost") == policies.curve.column("cost")
    kept = twinsync.read_run(folder)
    assert kept.table.column("cost") == policies.curve.column("cost")
    assert kept.table.column("slots") == policies.curve.column("slots")
    assert kept.manifest["command"] == "twinsync.train"
    config = json.loads((folder / "config.json").read_text())
    assert config["scenario"]["overrides"] == ["device_count=2", "bandwidth_hz=1000000.0"]
    with pytest.raises(twinsync.InputError, match="already exists"):
        twinsync.train(small, "gradient", out=folder)
    with pytest.raises(twinsync.InputError, match="unknown learning setting 'slot'; did you mean 'slots'"):
        twinsync.train(small, "gradient", slot=5)


def test_load_policy_takes_the_best_seed_a_given_one_or_an_exported_file(
    small: twinsync.Scenario, trained, tmp_path: Path
) -> None:
    policies, folder = trained
    costs = [row["cost"] for row in policies.curve[-2:]]
    best = costs.index(min(costs))
    schemes = {"best": twinsync.load_policy(folder), "same": twinsync.load_policy(folder, seed_index=best)}
    schemes |= {"other": twinsync.load_policy(folder, seed_index=1 - best)}
    for name in ("policy.npz", "edge.onnx"):  # the first has the name of a training run's own file
        export_run(folder, tmp_path / name, command="")
        schemes[name[-4:]] = twinsync.load_policy(tmp_path / name)
    table = twinsync.evaluate(small, schemes, slots=4, seeds=1).table
    cost = dict(zip(table.column("allocator"), table.column("cost"), strict=True))
    assert cost["best"] == cost["same"] != cost["other"]
    assert cost[".npz"] == pytest.approx(cost["best"], rel=1e-4)
    assert cost["onnx"] == pytest.approx(cost["best"], rel=1e-4)
    with pytest.raises(twinsync.InputError, match=r"seed_index = 2: .* has 2 policies"):
        twinsync.load_policy(folder, seed_index=2)
    with pytest.raises(twinsync.InputError, match="is one exported policy"):
        twinsync.load_policy(tmp_path / "edge.onnx", seed_index=0)


def test_a_sweep_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinsync.api.studies.local_executor", lambda workers: Inline())
    file = tmp_path / "narrow.toml"
    file.write_text(
        'schemes = ["equal-share", "random"]\nset = ["device_count=2"]\n'
        '[[axes]]\nkey = "bandwidth_hz"\nvalues = ["0.1 MHz", "0.4 MHz"]\nunit = "MHz"\n'
    )
    result = twinsync.sweep(file, tmp_path / "out")
    assert [(row["scheme"], row["x"]) for row in result.table] == [
        (scheme, x) for x in (0.1, 0.4) for scheme in ("equal-share", "random")
    ]
    assert result.table[0]["latency_s"] > result.table[2]["latency_s"]
    assert (tmp_path / "out" / "report.html").is_file()
    with pytest.raises(twinsync.InputError, match="no such folder"):
        twinsync.read_run(tmp_path / "nowhere")


def test_a_training_run_without_a_sound_manifest_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "curve.csv").write_text("seed,slots,cost\n0,25,90.5\n")
    with pytest.raises(twinsync.InputError, match=r"manifest\.json: missing"):
        twinsync.read_run(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(twinsync.InputError, match=r"manifest\.json: Expected `object`, got `array`"):
        twinsync.read_run(tmp_path)
    (tmp_path / "manifest.json").write_text('{"seed": 3}')
    run = twinsync.read_run(tmp_path)
    assert list(run.table) == [{"seed": 0, "slots": 25, "cost": 90.5}]
    assert run.manifest == {"seed": 3}


def test_a_table_prints_in_columns_and_becomes_a_data_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table([{"name": "a", "cost": 1.23456, "gap": None}, {"name": "long", "cost": 100.0, "gap": 0.5}])
    assert str(table).splitlines() == ["name   cost  gap", "a     1.235    -", "long    100  0.5"]
    assert table.columns == ["name", "cost", "gap"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(twinsync.InputError, match="pandas is not installed"):
        table.to_pandas()
    monkeypatch.delitem(sys.modules, "pandas")
    import pandas

    assert table.to_pandas().equals(pandas.DataFrame(list(table)))


def test_a_table_is_written_as_csv_or_parquet_or_the_line_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table([{"name": "a", "cost": 1.23456}, {"name": "long", "cost": 100.0}])
    table.write(tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text("utf-8").split() == ["name,cost", "a,1.23456", "long,100.0"]
    monkeypatch.setattr("twinsync.api.table.find_spec", lambda name: None if name == "pyarrow" else name)
    with pytest.raises(twinsync.InputError, match="pip install pandas pyarrow"):
        table.write(tmp_path / "curve.parquet")
    with pytest.raises(twinsync.InputError, match="a table is a file in"):
        table.write(tmp_path / "curve.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]


def test_decisions_are_a_table_and_a_picture(tmp_path: Path) -> None:
    scenario = twinsync.load_scenario(device_count=3)
    table = twinsync.draw_decisions(scenario, {"equal": "equal-share"}, tmp_path / "drawn.png", points=3)
    assert [(row["axis"], row["decision"]) for row in table[:5]] == [
        ("distance_m", part) for part in (*DECISIONS, "extraction_factor")
    ]
    assert len(table) == 2 * 3 * 4
    edge = [row["median"] for row in table if row["decision"] == "edge_cpu_hz"]
    assert edge == pytest.approx([scenario.edge_cpu_max_hz / 3] * 6)
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(twinsync.InputError, match="a picture is a file in"):
        twinsync.draw_decisions(scenario, "equal-share", tmp_path / "drawn.gif")
