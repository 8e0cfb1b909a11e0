"""The runtime's copies of names, bounds and options agree with the originals."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import get_args

import jax
import numpy as np
import pytest
from tests.runtime.twins import make_twins, reference, slots

from twinsync.allocators.networks import Architecture
from twinsync.allocators.policy import Squash
from twinsync.environment import interface
from twinsync.runtime import encoding as here
from twinsync.runtime import files, policy
from twinsync.runtime.constants import BOUNDS
from twinsync.scenario import constants


def test_bounds() -> None:
    known = constants()
    for name, bound in BOUNDS.items():
        constant = known[name]
        assert (bound.low, bound.high, bound.above, bound.whole) == (
            constant.low, constant.high, constant.low_open, constant.integer,
        ), name  # fmt: skip
        for value in (constant.low, constant.high, -1.0, 1.0, math.nan):
            assert bound.admits(value) == constant.admits(value), (name, value)


def test_names_and_options() -> None:
    assert interface.SHARE_LOGIT_SCALE == policy.SHARE_LOGIT_SCALE
    kinds = {"observation": interface.Observation, "edge_cpu": interface.EdgeCpu,
             "extraction": interface.Extraction, "encoding": interface.Encoding}  # fmt: skip
    assert {name: get_args(kind) for name, kind in kinds.items()} == files.OPTIONS
    assert get_args(Architecture) == files.ARCHITECTURES
    assert get_args(Squash) == files.SQUASHES
    for options in itertools.product(*files.OPTIONS.values()):
        face = interface.Interface(*options)
        assert len(here.group_names(vars(face))) == face.features


@pytest.mark.parametrize("encoding", ["affine", "unscaled", "physical"])
@pytest.mark.parametrize("observation", ["paper", "csi"])
def test_what_enters_is_what_changes_a_decision_in_jax(scenario, observation, encoding) -> None:
    # Every number that the JAX policy's decision depends on is a constant of the runtime, and no other.
    face = interface.Interface(observation, "shares", "chosen", encoding)
    twins, given = make_twins(scenario, face), slots(interface.Interface(observation), 6)
    names = [name for name in constants() if isinstance(getattr(scenario, name), float)]
    values = np.array([getattr(scenario, name) for name in names])
    # The first row is the scenario itself; each other row has one number slightly larger.
    rows = np.vstack([values, values + np.diag(0.1 * values + (values == 0.0))])

    @jax.jit
    @jax.vmap
    def decided(row):
        here = dataclasses.replace(scenario, **dict(zip(names, row, strict=True)))
        return reference(twins.trained, here, given)

    with jax.enable_x64(True):
        parts = jax.device_get(decided(rows))
    numbers = np.stack(list(parts.values()), axis=1)
    changes = (np.abs(numbers[1:] - numbers[0]) > 1e-9 * np.abs(numbers[0])).any(axis=(1, 2, 3))
    entering = {name for name, changed in zip(names, changes, strict=True) if changed}
    # The runtime applies the distance floor itself, and counts are not leaves of a scenario.
    own = {"distance_floor_m", "slot_count"}
    assert entering | own == set(twins.runtime.values) | own
    assert ("distance_floor_m" in entering) == (encoding == "affine")
