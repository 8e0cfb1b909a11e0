"""The unit of work: one scheme in one scenario with one training seed, addressed by a hash of what determines it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax

from twinsync.allocators.exported import SUFFIXES
from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.registry import allocator_names
from twinsync.errors import InputError
from twinsync.learning.run import plain_values
from twinsync.learning.settings import Settings, deciding
from twinsync.own_code import file_of
from twinsync.plugins import ALLOCATORS, find_plugin, package_of
from twinsync.scenario import Scenario, constants
from twinsync.storage import digest_of

FORMAT = 1  # of results; a new format invalidates all earlier results
LIBRARIES = ("", "sb3")


@dataclass(frozen=True)
class Cell:
    """One scheme in one scenario with one training seed, evaluated on `sets` sets of `slots` slots.

    scheme: its name, for display. settings: the learner's; None for an allocator that is not trained, which is then
    looked up by the name `allocator`. seed: root seed. training_seed: index under the root seed; 0 if nothing is
    trained. stretches: points of the learning curve. library: the implementation that trains it, ours ("") or
    Stable-Baselines3's ("sb3"). Raises `InputError` for another library, or one without settings.
    """

    scheme: str
    scenario: Scenario
    settings: Settings | None
    allocator: str
    seed: int
    training_seed: int
    slots: int
    sets: int
    stretches: int
    library: str = ""

    def __post_init__(self) -> None:
        if self.library not in LIBRARIES:
            raise InputError(f"library = {self.library!r} is not one of {', '.join(map(repr, LIBRARIES))}")
        if self.library and self.settings is None:
            raise InputError(f"library = {self.library!r} trains learners; {self.allocator!r} learns nothing")

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON values."""
        if self.settings is None:
            decides: dict[str, Any] = {
                "allocator": _without_folder(self.allocator),
                "source": source_of(self.allocator),
            }
        else:
            decides = {
                "algorithm": self.settings.algorithm,
                "settings": deciding(self.settings),
                "training_seed": self.training_seed,
                "stretches": self.stretches,
            }
        if self.library:  # left out for ours, so that results stored before there were others remain valid
            decides["library"] = self.library
        identity = {
            "format": FORMAT,
            "scenario": plain_values(self.scenario),
            **decides,
            "seed": self.seed,
            "evaluation": {"slots": self.slots, "sets": self.sets},
        }
        return json.loads(json.dumps(identity))

    @cached_property
    def address(self) -> str:
        """Name of the result: a hash of the identity."""
        return digest_of(self.identity)

    @cached_property
    def program(self) -> str:
        """Key of the compiled program: cells with the same key differ only in numbers and can share a batch."""
        known = constants()
        fixed = {
            key: value
            for key, value in self.identity["scenario"].items()
            if known[key].integer or known[key].choices or not isinstance(value, (int, float))
        }
        learner = None if self.settings is None else [self.settings.algorithm, deciding(self.settings)]
        shape = jax.tree.structure(self.scenario).num_leaves
        library = [self.library] if self.library else []
        return json.dumps([fixed, shape, learner, None if learner else self.allocator, *library], sort_keys=True)

    @property
    def label(self) -> str:
        """Name for progress and messages."""
        return self.scheme if self.settings is None else f"{self.scheme}, seed {self.training_seed}"


def source_of(allocator: str) -> str:
    """Hash of a user's file, or package and version of an installed allocator, so that results of a changed allocator
    are not mistaken for those of the earlier one. Empty for ours."""
    if allocator in allocator_names():
        return ""
    plugin = find_plugin(ALLOCATORS, allocator)
    if plugin is not None:
        return package_of(plugin)
    file = _file_of(allocator)
    try:
        return "" if file is None else hashlib.sha256(file.read_bytes()).hexdigest()[:24]
    except OSError as error:
        raise InputError(f"allocator {allocator!r}: {file} cannot be read: {error.strerror}") from None


def _without_folder(allocator: str) -> str:
    """The name of an allocator; of a user's file only the file's own, since `source_of` tells what is in it."""
    place, colon, attribute = allocator.rpartition(":")
    if place.endswith(".py"):
        return f"{Path(place).name}{colon}{attribute}"
    return Path(allocator).name if Path(allocator).is_absolute() else allocator


def _file_of(allocator: str) -> Path | None:
    """The file that decides what an allocator does: a user's module, an exported policy, or a training run's policies.

    What it imports or reads in turn is not known here.
    """
    if ":" in allocator:
        return file_of(allocator)
    policies = Path(allocator) / POLICY_FILE
    return policies if policies.is_file() else Path(allocator) if allocator.endswith(SUFFIXES) else None
