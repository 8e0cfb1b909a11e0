"""What a policy file says of the policies in it."""

from __future__ import annotations

import dataclasses
from typing import Any

from twinsync.learning.gradient import Gradient
from twinsync.learning.settings import SacSettings, algorithm_of
from twinsync.learning.training import Training
from twinsync.scenario import Scenario, constants
from twinsync.streams import root_key, stream


def policy_card(training: Training, scenario: Scenario) -> dict[str, Any]:
    """The card of a run's policies, all of one scenario: how the networks are built, and what trained them."""
    policies, settings = training.policies(), training.algorithm.settings
    interface = settings.interface
    return {
        "algorithm": algorithm_of(settings),
        "architecture": policies.network.architecture,
        "hidden": list(settings.hidden),
        "outputs": (2 if isinstance(settings, SacSettings) else 1) * interface.decisions,
        "squash": policies.squash,
        "interface": dataclasses.asdict(interface),
        "device_count": scenario.device_count,
        "scenario": plain_values(scenario),
        "seeds": training.seeds,
        "seed": training.seed,
        "curve_cost": [row.cost for row in training.curve[-training.seeds :]],
        **_ranges(training),
    }


def plain_values(scenario: Scenario) -> dict[str, Any]:
    """Every constant by key, as it is."""
    return {key: getattr(scenario, key) for key in constants()}


def _ranges(training: Training) -> dict[str, Any]:
    """What training showed of each dimensionless group, where the policy is told those."""
    if not isinstance(training.algorithm, Gradient):
        return {}
    return {"ranges": training.algorithm.ranges(stream(root_key(training.seed), "ranges"))}
