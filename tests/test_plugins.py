"""What installed packages add: found by name, never ours replaced, never in the way of anything else."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from twinsync.allocators.registry import allocator_names, find_allocators, known_names
from twinsync.cli.app import run
from twinsync.cli.evaluate import find
from twinsync.plugins import PluginWarning
from twinsync.presets import load_preset, load_scenario, preset_names

OWN = """
def half(scenario, sight, key): ...
class Half:
    def __call__(self, scenario, sight, key): ...
class Needy:
    def __init__(self, needed): ...
three = 3
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install("name", allocators={...}, scenarios={...}, files={...})`: a package with these entry points."""

    def installed(
        package: str,
        allocators: dict[str, str] | None = None,
        scenarios: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
    ) -> Path:
        site = tmp_path / f"site-{package}"
        info = site / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        groups = {"twinsync.allocators": allocators or {}, "twinsync.scenarios": scenarios or {}}
        lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in table.items()) for group, table in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for name, text in (files or {}).items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(textwrap.dedent(text))
        monkeypatch.syspath_prepend(str(site))
        return site

    return installed


@pytest.mark.parametrize("attribute", ["half", "Half"])
def test_an_allocator_by_its_name(scenario, install: Install, attribute: str) -> None:
    install("one", allocators={"own-rule": f"own_{attribute.lower()}_rules : {attribute}"}, files={
        f"own_{attribute.lower()}_rules.py": OWN})  # fmt: skip
    (allocator,) = find_allocators("own-rule", scenario)
    assert attribute in (getattr(allocator, "__name__", None), type(allocator).__name__)
    assert known_names() == [*allocator_names(), "own-rule"]


@pytest.mark.parametrize(
    ("target", "fragments"),
    [
        ("no_such_module_a:half", ("cannot import 'no_such_module_a'", "ModuleNotFoundError")),
        ("broken_rules:half", ("cannot import 'broken_rules'", "ZeroDivisionError", "broken_rules.py, line 1")),
        ("leaving_rules:half", ("cannot import 'leaving_rules'", "SystemExit")),
        ("some_rules:whole", ("some_rules has no 'whole'",)),
        ("some_rules", ("cannot import ''",)),
        ("some_rules:three", ("not callable",)),
        ("some_rules:Needy", ("cannot make a Needy", "needed")),
    ],
)
def test_a_broken_allocator_is_named_with_its_package(
    scenario, install: Install, complains, target: str, fragments: tuple[str, ...]
) -> None:
    files = {"broken_rules.py": "1 / 0", "leaving_rules.py": "import sys\nsys.exit()", "some_rules.py": OWN}
    install("one", allocators={"own-rule": target}, files=files)
    with complains("allocator 'own-rule' of one 1.2: ", *fragments):
        find_allocators("own-rule", scenario)


def test_a_broken_package_troubles_nobody_else(scenario, install: Install, complains) -> None:
    install("one", allocators={"broken": "no_such_module_b:f"}, scenarios={"lost": "no_such_package"})
    assert len(find_allocators("random", scenario)) == 1
    assert load_scenario("paper") == scenario
    assert "broken" not in find(None, scenario)
    with complains("unknown allocator 'brken'", "optimum", "broken"):
        find_allocators("brken", scenario)


def test_two_packages_of_one_name(scenario, install: Install, complains, capsys) -> None:
    for package in ("one", "two"):
        install(package, allocators={"same": f"{package}_rules:f"}, scenarios={"site": package})
    with complains("allocator 'same'", "one 1.2 and two 1.2", "uninstall one"):
        find_allocators("same", scenario)
    with complains("scenario 'site'", "one 1.2 and two 1.2"):
        load_scenario("site")
    assert run(["scenario", "list"]) == 0
    assert "site      not usable: scenario 'site': offered by one 1.2 and two 1.2" in capsys.readouterr().out


def test_our_names_stay_ours(scenario, install: Install) -> None:
    install("one", allocators={"random": "no_such_module_c:f"}, scenarios={"paper": "no_such_package"})
    with pytest.warns(PluginWarning, match="allocator 'random' is built in; the one of one 1.2 is left out"):
        (allocator,) = find_allocators("random", scenario)
    assert type(allocator).__module__ == "twinsync.allocators.heuristics"
    with pytest.warns(PluginWarning, match="scenario 'paper' is built in"):
        assert load_scenario("paper") == scenario
    assert known_names() == allocator_names()


def test_the_command_warns_of_a_clash_in_one_line(install: Install, capsys) -> None:
    install("one", scenarios={"paper": "no_such_package"})
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as outside of tests
        assert run(["scenario", "list"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["feasible", "literal", "live", "measured", "paper"]
    assert err.startswith("twinsync: warning: scenario 'paper' is built in; the one of one 1.2 is left out")
    assert err.count("\n") == 1


def test_a_scenario_by_its_name(install: Install, capsys) -> None:
    install("one", scenarios={"yard": "one_sites.places"}, files={
        "one_sites/__init__.py": "1 / 0  # data needs no code to run",
        "one_sites/places/yard.toml": "base = 'lower.toml'\ndescription = 'A [yard]'\ndevice_count = 3",
        "one_sites/places/lower.toml": "base = 'feasible'\nslot_count = 7",
    })  # fmt: skip
    preset = load_preset("yard", ["cycle_s=50 s"])
    assert (preset.name, preset.description) == ("yard", "A [yard]")
    assert preset.scenario == load_scenario("feasible").replace(device_count=3, slot_count=7, cycle_s=50.0)
    assert preset.provenance["device_count"].source == "yard"
    assert preset_names()[-1] == "yard"
    assert run(["scenario", "list"]) == 0
    assert "yard      A [yard] (one 1.2)" in capsys.readouterr().out


def test_a_scenario_of_ones_own_stands_on_a_package_s(install: Install, tmp_path: Path) -> None:
    install("one", scenarios={"yard": "two_sites"}, files={"two_sites/yard.toml": "base = 'paper'\ndevice_count = 3"})
    (tmp_path / "mine.toml").write_text("base = 'yard'\nslot_count = 9")
    changed = load_scenario(str(tmp_path / "mine.toml"))
    assert (changed.device_count, changed.slot_count) == (3, 9)


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        ("no_such_package", "", "scenario 'yard' of one 1.2: no file yard.toml in its package 'no_such_package'"),
        ("sites_a:yard", "", "'sites_a:yard' must name a package that holds yard.toml"),
        ("sites_a", "base = 'paper'\nbandwith_hz = 1", "yard: unknown key 'bandwith_hz'"),
        ("sites_a", "base = ", "yard: not valid TOML"),
        ("sites_a", "base = 'yard'", "base refers back to itself"),
    ],
)
def test_a_broken_scenario(install: Install, complains, target: str, text: str, expected: str) -> None:
    install("one", scenarios={"yard": target}, files={"sites_a/yard.toml": text})
    with complains(expected):
        load_scenario("yard")
    assert "yard" in preset_names()
