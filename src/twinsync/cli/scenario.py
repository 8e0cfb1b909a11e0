"""`twinsync scenario list | show | check`."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Annotated

import typer

from twinsync.cli.options import JsonOption, SetOption, WideOption, check_json_target, show, write_json
from twinsync.errors import InputError
from twinsync.plugins import SCENARIOS, find_plugin, package_of, plugin_names, scenario_file, warn_of_clash

scenario_app = typer.Typer(name="scenario", help="The constants of the system model: list, show, check.")


@scenario_app.command("list")
def list_presets() -> None:
    """List the presets that ship with twinsync, then the scenarios that installed packages add."""
    # Read here, not through twinsync.presets, which needs JAX: a list should be instant.
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    for name, description in [*_shipped(), *_added()]:
        table.add_row(f"[bold]{escape(name)}[/bold]", escape(description))
    show(table)


def _shipped() -> list[tuple[str, str]]:
    """Name and description of each preset of ours."""
    files = (item for item in (resources.files("twinsync") / "scenarios").iterdir() if item.name.endswith(".toml"))
    return sorted((file.name.removesuffix(".toml"), _description(file.read_text("utf-8"))) for file in files)


def _added() -> list[tuple[str, str]]:
    """Name and description, or what is wrong with it, of each scenario that an installed package adds."""
    own = [name for name, _ in _shipped()]
    for name in own:
        warn_of_clash(SCENARIOS, name)
    rows = []
    for name in plugin_names(SCENARIOS, own):
        try:
            entry, file = find_plugin(SCENARIOS, name), scenario_file(name)
            assert entry is not None
            assert file is not None
            rows.append((name, f"{_description(file.read_text('utf-8'))} ({package_of(entry)})"))
        except (InputError, OSError, ValueError) as error:
            rows.append((name, f"not usable: {error}"))
    return rows


def _description(text: str) -> str:
    return str(tomllib.loads(text).get("description", ""))


@scenario_app.command("show")
def show_scenario(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A preset's name or a TOML file.")] = "paper",
    overrides: SetOption = None,
    json_target: JsonOption = None,
    wide: WideOption = False,
) -> None:
    """Show every constant: value, tag (stated, derived, assumed), bounds and where it comes from."""
    check_json_target(json_target)
    from twinsync.experiments.constants import describe_constants
    from twinsync.presets import load_preset
    from twinsync.storage import plain

    preset = load_preset(name, overrides or ())
    entries = describe_constants(preset)
    if json_target is not None:
        write_json(json_target, {"name": preset.name, "description": preset.description, "constants": plain(entries)})
        return
    from twinsync.cli.tables import constants_tables

    show(constants_tables(preset.name, preset.description, entries), wide=wide)


@scenario_app.command("check")
def check(file: Annotated[str, typer.Argument(metavar="FILE", help="A TOML file of your own.")]) -> None:
    """Check a scenario file; exit code 2 and one line if something is wrong with it."""
    from twinsync.presets import load_preset

    preset = load_preset(file)
    own = [key for key, provenance in preset.provenance.items() if provenance.tag == "user"]
    print(f"{file}: valid; {len(preset.provenance)} constants, {len(own)} of them yours: {', '.join(own) or 'none'}")
