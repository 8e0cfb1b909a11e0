"""Policies as allocators, and their file: the same decisions after a round trip, a clear line for a bad file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.policy import Policy, blank_policy, load_policies, save_policies
from twinsync.environment import Interface, Sight, see
from twinsync.model import Allocation, draw_slots
from twinsync.presets import load_scenario

PARTS = ("extraction_factor", "device_cpu_hz", "transmit_power_w", "edge_cpu_hz")


def _card(architecture: str = "flat", squash: str = "tanh", devices: int = 6, **face: str) -> dict:
    interface = Interface(**{"edge_cpu": "shares", **face})
    return {
        "interface": dataclasses.asdict(interface),
        "architecture": architecture,
        "device_count": devices,
        "outputs": (2 if squash == "tanh" else 1) * interface.decisions,
        "hidden": [8],
        "squash": squash,
    }


def _stacked(card: dict, seeds: int = 2) -> Policy:
    """Policies with weights large enough to reach the bounds."""
    keys = jax.random.split(jax.random.key(0), seeds)
    return jax.tree.map(lambda leaf: 5.0 * leaf, jax.vmap(lambda key: blank_policy(card, key))(keys))


def _one(card: dict) -> Policy:
    return jax.tree.map(lambda leaf: leaf[0], _stacked(card))


@pytest.fixture(scope="module")
def slots(scenario):
    return draw_slots(jax.random.key(1), scenario, 40)


def _numbers(allocation: Allocation) -> np.ndarray:
    return np.stack([np.asarray(getattr(allocation, part)) for part in PARTS])


@pytest.mark.parametrize("card", [_card(), _card("set"), _card("set", "clip", observation="csi", extraction="random")])
def test_a_file_gives_the_same_decisions(scenario, slots, tmp_path, card: dict) -> None:
    policies, key = _stacked(card), jax.random.key(5)
    save_policies(tmp_path / "policy.npz", policies, card)
    loaded = load_policies(tmp_path / "policy.npz")
    assert len(loaded) == 2
    for s, policy in enumerate(loaded):
        before = jax.tree.map(lambda leaf, s=s: leaf[s], policies)
        sight = see(slots, policy.observation)
        decided = _numbers(policy(scenario, sight, key))
        np.testing.assert_array_equal(decided, _numbers(before(scenario, sight, key)))
    assert [path.name for path in tmp_path.iterdir()] == ["policy.npz"]


@pytest.mark.parametrize("squash", ["tanh", "clip"])
@pytest.mark.parametrize("face", [{}, {"edge_cpu": "requests"}, {"extraction": "random"}, {"extraction": "none"}])
def test_float64_in_float64_out_within_bounds(scenario, squash: str, face: dict) -> None:
    policy = _one(_card(squash=squash, **face))
    with jax.enable_x64(True):
        sight = see(draw_slots(jax.random.key(1), scenario, 40), "paper")
        allocation = policy(scenario, sight, jax.random.key(0))
        total = np.asarray(allocation.edge_cpu_hz).sum(-1)
    decided = _numbers(allocation)
    assert decided.dtype == np.float64
    assert decided.shape == (4, 40, 6)
    bounds = (
        (scenario.extraction_factor_min, 1.0),
        (scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        (scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        (scenario.edge_cpu_min_hz, scenario.edge_cpu_max_hz),
    )
    for values, (low, high) in zip(decided, bounds, strict=True):
        assert values.min() >= low
        assert values.max() <= high
    if policy.interface.edge_cpu == "shares":
        assert (total <= scenario.edge_cpu_max_hz * (1 + 1e-12)).all()
    if policy.interface.extraction == "none":
        assert (decided[0] == 1.0).all()


def test_action_by_hand() -> None:
    # Means come first, grouped by quantity; the log standard deviations after them are not used.
    policy = _one(_card(devices=1))
    seen = jnp.array([[0.3, -0.2]])
    np.testing.assert_allclose(policy.action(seen), np.tanh(np.asarray(policy.network(seen))[:, :4]), rtol=1e-6)
    clipped = dataclasses.replace(policy, squash="clip")
    np.testing.assert_allclose(clipped.action(seen), np.clip(np.asarray(policy.network(seen))[:, :4], -1, 1), rtol=1e-6)


def test_a_set_policy_treats_devices_alike_and_takes_any_k(scenario, slots) -> None:
    policy = _one(_card("set"))
    order = np.array([5, 0, 3, 1, 4, 2])
    sight = see(slots, "paper")
    swapped = Sight(sight.distance_m[:, order], sight.data_bits[:, order])
    key = jax.random.key(0)
    decided = _numbers(policy(scenario, sight, key))
    np.testing.assert_allclose(_numbers(policy(scenario, swapped, key)), decided[:, :, order], rtol=1e-4)
    nine = load_scenario("paper", ["device_count=9"])
    assert policy(nine, see(draw_slots(key, nine, 3), "paper"), key).edge_cpu_hz.shape == (3, 9)


def test_a_flat_policy_of_another_k(complains) -> None:
    nine = load_scenario("paper", ["device_count=9"])
    with complains("device_count = 6", "9"):
        _one(_card())(nine, see(draw_slots(jax.random.key(0), nine, 3), "paper"), jax.random.key(0))


def test_random_extraction_follows_the_key(scenario, slots) -> None:
    policy, sight = _one(_card(extraction="random")), see(slots, "paper")
    one, same, other = (
        _numbers(policy(scenario, sight, jax.random.key(seed)))[0] for seed in (0, 0, 1)
    )  # fmt: skip
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


def test_no_file(tmp_path, complains) -> None:
    with complains("policy.npz", "no such", "twinsync train"):
        load_policies(tmp_path / "policy.npz")


@pytest.fixture
def saved(tmp_path) -> Path:
    card = _card()
    save_policies(tmp_path / "policy.npz", _stacked(card), card)
    return tmp_path / "policy.npz"


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.95])
def test_truncated_file(saved, complains, keep: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(keep * len(content))])
    with complains(str(saved), "not a complete policy file"):
        load_policies(saved)


def test_files_of_another_kind(saved, complains) -> None:
    saved.write_text("weights")
    with complains(str(saved), "not a complete policy file"):
        load_policies(saved)
    with saved.open("wb") as file:
        np.save(file, np.zeros(3))
    with complains(str(saved), "not a complete policy file"):
        load_policies(saved)
    np.savez(saved, weights=np.zeros(3))
    with complains(str(saved), "not a complete policy file"):
        load_policies(saved)
    np.savez(saved, card=np.asarray("[]"))
    with complains(str(saved), "policy format [], this version reads 1"):
        load_policies(saved)


def _rewrite(path: Path, **changes) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    card = {**json.loads(str(arrays.pop("card"))), **changes}
    np.savez(
        path, card=np.asarray(json.dumps({key: value for key, value in card.items() if value is not None})), **arrays
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format": 99}, "format 99"),
        ({"device_count": 7}, "do not fit"),
        ({"hidden": [9]}, "do not fit"),
        ({"hidden": [8, 8]}, "do not fit"),
        ({"outputs": None}, "outputs"),
        ({"interface": {"colour": "red"}}, "colour"),
        ({"interface": {"observation": "colour"}}, "observation = 'colour' is not one of"),
    ],
)
def test_a_card_that_does_not_fit(saved, complains, changes: dict, named: str) -> None:
    _rewrite(saved, **changes)
    with complains(str(saved), named):
        load_policies(saved)


@pytest.mark.parametrize("standardised", [None, True, False])
def test_a_policy_with_physical_inputs_need_not_standardise_them(tmp_path: Path, standardised: bool | None) -> None:
    card = _card("set", encoding="physical")
    if standardised is not None:  # older cards lack the entry
        card["standardised"] = standardised
    save_policies(tmp_path / "policy.npz", _stacked(card), card)
    network = load_policies(tmp_path / "policy.npz")[0].network
    assert (network.centre is None) == (standardised is False)
