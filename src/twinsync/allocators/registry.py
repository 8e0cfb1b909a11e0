"""Allocators by name: built-in ones, those of installed packages, training runs, and a user's function or class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinsync.allocators.expected import Expected
from twinsync.allocators.exported import SUFFIXES, check_devices, exported_policy
from twinsync.allocators.heuristics import EqualShare, Random
from twinsync.allocators.optimum import NoSemantics, Optimum, RandomExtraction, Raw
from twinsync.allocators.policy import FILE_NAME, load_policies
from twinsync.allocators.protocol import Allocator
from twinsync.errors import InputError
from twinsync.own_code import load_attribute, run_own
from twinsync.plugins import ALLOCATORS, find_plugin, package_of, plugin_names, warn_of_clash
from twinsync.scenario import Scenario
from twinsync.storage import read_json
from twinsync.suggest import did_you_mean

_BUILT_IN: dict[str, Callable[[], Allocator]] = {
    "equal-share": EqualShare,
    "expected": Expected,
    "no-semantics": NoSemantics,
    "optimum": Optimum,
    "random": Random,
    "random-extraction": RandomExtraction,
    "raw": Raw,
}


def allocator_names() -> list[str]:
    """Names of the built-in allocators, sorted."""
    return sorted(_BUILT_IN)


def known_names() -> list[str]:
    """Names of the built-in allocators, then of those that installed packages add."""
    return [*allocator_names(), *plugin_names(ALLOCATORS, _BUILT_IN)]


def find_allocators(name: str, scenario: Scenario) -> list[Allocator]:
    """The allocators called `name`: one per training seed for the folder of a training run, otherwise one.

    `name` is built in, offered by an installed package, a training run's folder, an exported policy's path (.npz,
    .onnx), or a user's own `module:attribute` or `file.py:attribute`: a function (scenario, sight, key) -> Allocation,
    or a class that takes no arguments and whose instances are such callables. Raises `InputError` for anything else,
    and for policies trained for another K that cannot serve the scenario's.
    """
    if name in _BUILT_IN:
        warn_of_clash(ALLOCATORS, name)
        return [_BUILT_IN[name]()]
    plugin = find_plugin(ALLOCATORS, name)
    if plugin is not None:
        return [_make(f"allocator {name!r} of {package_of(plugin)}", plugin.value)]
    if (Path(name) / FILE_NAME).is_file():
        policies = load_policies(Path(name) / FILE_NAME)
        first = policies[0]
        if first.network.architecture == "flat" and first.device_count != scenario.device_count:
            raise InputError(
                f"{name}: trained for device_count = {first.device_count}, the scenario has {scenario.device_count}; "
                f"train one with --set device_count={scenario.device_count}"
            )
        return list(policies)
    if name.endswith(SUFFIXES) and (":" not in name or Path(name).is_file()):
        policy = exported_policy(Path(name))
        check_devices(name, policy, scenario)
        return [policy]
    if ":" in name:
        return [_make(f"allocator {name!r}", name)]
    if name and Path(name).is_dir():
        if _diverged(Path(name)):
            raise InputError(
                f"{name}: the folder's training run diverged and has no policies; train another with other settings"
            )
        raise InputError(
            f"{name}: the folder holds no finished training run ({FILE_NAME} is missing); finish it with --resume"
        )
    known = ", ".join(known_names())
    raise InputError(
        f"unknown allocator {name!r}{did_you_mean(name, known_names())}; give one of {known}, a training run's folder, "
        "an exported policy (.npz, .onnx), or file.py:function"
    )


def _diverged(run: Path) -> bool:
    """Whether the manifest of a training run says that it diverged."""
    try:
        manifest = read_json(run / "manifest.json")
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and bool(manifest.get("diverged"))


def _make(label: str, target: str) -> Allocator:
    """The allocator at `module:attribute` or `file.py:attribute`. Raises `InputError` that begins with `label`."""
    given: Any = load_attribute(label, target)
    name = getattr(given, "__name__", target)
    own: Any = run_own(f"{label}: cannot make a {name}", given) if inspect.isclass(given) else given
    if not isinstance(own, Allocator):
        raise InputError(f"{label}: not callable; expected a function (scenario, sight, key) -> Allocation")
    return own
