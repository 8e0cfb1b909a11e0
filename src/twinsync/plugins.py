"""Allocators, scenarios and cameras that installed packages add by entry points (`docs/tutorials/package.md`).

Names are read from the packages' metadata. A package's code runs only when its name is used, so a broken package does
not affect the others. Built-in names take precedence: a package's entry of the same name is ignored, with a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from twinsync.errors import InputError

ALLOCATORS = "twinsync.allocators"
SCENARIOS = "twinsync.scenarios"
CAMERAS = "twinsync.cameras"


class PluginWarning(UserWarning):
    """An installed package offers a name that is built in; the built-in one is used."""


def plugin_names(group: str, built_in: Collection[str]) -> list[str]:
    """Names that installed packages add to `group`, except built-in ones; sorted."""
    return sorted({entry.name for entry in entry_points(group=group)} - set(built_in))


def find_plugin(group: str, name: str) -> EntryPoint | None:
    """The entry point called `name`, or None. Raises `InputError` if two packages offer it."""
    entries = list(entry_points(group=group, name=name))
    if len({entry.value for entry in entries}) > 1:
        both = " and ".join(sorted(package_of(entry) for entry in entries))
        raise InputError(f"{_kind(group)} {name!r}: offered by {both}; uninstall one of them")
    return entries[0] if entries else None


def warn_of_clash(group: str, name: str) -> None:
    """Warn if an installed package offers `name`, which is built in."""
    for entry in entry_points(group=group, name=name):
        warnings.warn(
            f"{_kind(group)} {name!r} is built in; the one of {package_of(entry)} is left out: rename its entry point",
            PluginWarning,
            stacklevel=3,
        )


def package_of(entry: EntryPoint) -> str:
    """Name and version of the package that declares an entry point."""
    return "an unnamed package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def scenario_file(name: str) -> Path | None:
    """The TOML file of an installed package's scenario; None if none has this name.

    The entry point names the package folder that holds NAME.toml. Raises `InputError` if the file is missing.
    """
    entry = find_plugin(SCENARIOS, name)
    if entry is None:
        return None
    trouble = f"scenario {name!r} of {package_of(entry)}"
    top, *inner = entry.value.split(".")
    if not all(part.isidentifier() for part in (top, *inner)):
        raise InputError(f"{trouble}: its entry point {entry.value!r} must name a package that holds {name}.toml")
    # Find the folder without importing the package: reading data should not run code.
    spec = find_spec(top)
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder, *inner, f"{name}.toml")
        if file.is_file():
            return file
    raise InputError(f"{trouble}: no file {name}.toml in its package {entry.value!r}; reinstall it")


def _kind(group: str) -> str:
    return group.removeprefix("twinsync.").removesuffix("s")
