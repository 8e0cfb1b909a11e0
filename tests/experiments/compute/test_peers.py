"""Stable-Baselines3 at our settings: what is built, what it sees, what comes of it, and what it cannot do."""

from __future__ import annotations

import dataclasses
import math

import jax
import numpy as np
import pytest

from twinsync.environment.gym import DTSyncEnv
from twinsync.environment.interface import draw_phi, see
from twinsync.experiments.compute import peers
from twinsync.experiments.compute.peers import PeerPolicy, build_peer, check_peer, train_peer
from twinsync.learning.divergence import find_divergences
from twinsync.learning.settings import GradientSettings, PpoSettings, SacSettings
from twinsync.learning.training import curve_slots
from twinsync.presets import load_scenario

pytest.importorskip("stable_baselines3")

SCENARIO = load_scenario("paper", ["device_count=2"])
SAC = SacSettings(slots=120, hidden=(8,), batch_size=8, warmup_slots=30)
PPO = PpoSettings(slots=120, hidden=(8,), batch_size=8, rollout_slots=16, parallel_slots=2, passes=2)


def train(settings, number=0):
    return train_peer(SCENARIO, settings, seed=3, number=number, stretches=4)


def build(settings, number=0):
    return build_peer(SCENARIO, settings, seed=3, number=number)


def changed(settings, **values):
    return dataclasses.replace(settings, **values)


@pytest.mark.parametrize(
    ("settings", "places", "learns"),
    [(SAC, [0, 30, 60, 90, 120], 2), (PPO, [0, 32, 64, 96, 128], 1)],  # 8 rollouts, the last past slot 120
    ids=["sac", "ppo"],
)
def test_a_seed_learns_and_the_same_seed_learns_the_same(settings, places, learns):
    first, again, other = train(settings), train(settings), train(settings, number=1)
    assert [row.slots for row in first.curve] == places
    assert {row.seed for row in other.curve} == {1}
    for row in first.curve:
        assert 0 < row.latency_s < row.cost < 1000
    for row in first.curve[learns:]:
        told = row.training_reward, row.critic_loss, row.entropy, row.value_size, row.value_bound
        assert all(map(math.isfinite, told))
        assert -1000 < row.training_reward < 0 < row.value_size < row.value_bound
        assert math.isnan(row.alpha) == (settings is PPO)
    assert first.training_s > 0
    np.testing.assert_array_equal(first.curve, again.curve)
    assert first.curve[-1].cost != other.curve[-1].cost


def test_the_judge_changes_nothing():
    rare, often = (train_peer(SCENARIO, SAC, seed=3, number=0, stretches=count) for count in (1, 12))
    assert rare.curve[-1].cost == often.curve[-1].cost


def test_before_the_first_update_there_is_nothing_to_tell_of_it():
    start, warm = train(SAC).curve[:2]
    assert math.isnan(start.training_reward)
    assert warm.slots == SAC.warmup_slots
    assert math.isnan(warm.critic_loss)
    assert math.isnan(warm.value_size)
    assert (warm.alpha, warm.cost) == (1.0, start.cost)


def test_settings_of_sac_reach_the_model():
    import torch

    settings = changed(
        SAC, discount=0.7, learning_rate=2e-3, hidden=(8, 6), buffer_size=50, updates_per_step=3, initial_alpha=0.25,
        entropy_per_decision=-0.5, target="soft", target_rate=0.2,
    )  # fmt: skip
    model = build(settings)
    assert (model.gamma, model.tau, model.target_update_interval) == (0.7, 0.2, 1)
    assert (model.batch_size, model.gradient_steps, model.learning_starts) == (8, 3, 30)
    assert (model.replay_buffer.buffer_size, model.n_envs) == (50, 1)
    assert float(model.log_ent_coef.detach()) == pytest.approx(math.log(0.25))
    assert model.target_entropy == -0.5 * 8
    assert layers(model.actor.latent_pi) == [(4, 8), "ReLU", (8, 6), "ReLU"]
    for critic in (*model.critic.q_networks, *model.critic_target.q_networks):
        assert layers(critic) == [(12, 8), "ReLU", (8, 6), "ReLU", (6, 1)]
    for optimiser in (model.actor.optimizer, model.critic.optimizer, model.ent_coef_optimizer):
        assert isinstance(optimiser, torch.optim.Adam)
        assert optimiser.param_groups[0]["lr"] == 2e-3
        assert optimiser.param_groups[0]["eps"] == 1e-8


def test_settings_of_ppo_reach_the_model():
    settings = changed(
        PPO, discount=0.7, learning_rate=2e-3, hidden=(8, 6), gae_decay=0.6, clip=0.3, value_weight=0.4,
        gradient_clip=0.9, initial_log_std=-1.0,
    )  # fmt: skip
    model = build(settings)
    assert (model.gamma, model.gae_lambda, model.clip_range(1.0), model.clip_range_vf) == (0.7, 0.6, 0.3, None)
    assert (model.n_envs, model.n_steps, model.n_epochs, model.batch_size) == (2, 8, 2, 8)
    assert (model.vf_coef, model.max_grad_norm, model.ent_coef) == (0.4, 0.9, 0.0)
    assert (model.normalize_advantage, model.target_kl) == (True, None)
    for net in (model.policy.mlp_extractor.policy_net, model.policy.mlp_extractor.value_net):
        assert layers(net) == [(4, 8), "ReLU", (8, 6), "ReLU"]
    np.testing.assert_array_equal(model.policy.log_std.detach().numpy(), np.full(8, -1.0, np.float32))
    (group,) = model.policy.optimizer.param_groups
    assert (group["lr"], group["eps"]) == (2e-3, 1e-5)


def layers(network):
    """Inputs and outputs of each linear layer, names of the others."""
    return [
        (layer.in_features, layer.out_features) if hasattr(layer, "in_features") else type(layer).__name__
        for layer in network
    ]


def test_hard_targets_are_copied_every_so_many_updates_of_the_run():
    model = build(changed(SAC, target_period=3))
    model.learn(SAC.warmup_slots, log_interval=None)
    before = weights(model.critic_target)
    for number, each in ((1, 1), (2, 1), (3, 1), (5, 2), (7, 2), (9, 2)):
        model.train(each, 8)
        assert model._n_updates == number
        now, critic = weights(model.critic_target), weights(model.critic)
        if number % 3 == 0:
            np.testing.assert_array_equal(now, critic)
        else:
            assert np.array_equal(now, before) == (number != 7)  # that call began with update 6
            assert not np.array_equal(now, critic)
        before = now


def weights(network):
    return np.concatenate([weight.detach().numpy().ravel() for weight in network.parameters()])


@pytest.mark.parametrize("cycle_end", ["terminal", "truncation"])
@pytest.mark.parametrize("reward_scale", ["device", "none"])
def test_the_memory_holds_what_the_environment_does(cycle_end, reward_scale):
    settings = changed(SAC, cycle_end=cycle_end, reward_scale=reward_scale, edge_cpu="shares")
    model = build(settings, number=4)
    model.learn(30, log_interval=None)  # a cycle has 25 slots
    memory = model.replay_buffer
    env = DTSyncEnv(SCENARIO, edge_cpu="shares", cycle_end=cycle_end)
    observation, _ = env.reset(seed=3004)
    for slot in range(30):
        np.testing.assert_allclose(memory.observations[slot, 0], observation, rtol=1e-5, atol=1e-5)
        following, reward, terminated, truncated, _ = env.step(memory.actions[slot, 0])
        np.testing.assert_allclose(memory.next_observations[slot, 0], following, rtol=1e-5, atol=1e-5)
        factor = {"device": 1 / 20, "none": 1.0}[reward_scale]
        assert memory.rewards[slot, 0] == pytest.approx(factor * reward, rel=1e-4)
        assert memory.dones[slot, 0] == (terminated or truncated) == (slot == 24)
        assert memory.timeouts[slot, 0] == truncated
        observation = env.reset()[0] if terminated or truncated else following


@pytest.mark.parametrize("cycle_end", ["terminal", "truncation"])
def test_all_copies_say_how_a_cycle_ends(cycle_end):
    model = build(changed(PPO, cycle_end=cycle_end))
    model.env.reset()
    for _ in range(25):
        observations, _, over, infos = model.env.step(np.zeros((2, 8)))
    assert over.all()
    for first, info in zip(observations, infos, strict=True):
        assert info["TimeLimit.truncated"] == (cycle_end == "truncation")
        assert info["terminal_observation"].shape == first.shape
        assert not np.allclose(info["terminal_observation"], first)


def test_copies_of_two_seeds_have_no_cycle_in_common():
    models = [build(PPO, number) for number in range(2)]
    starts = np.concatenate([model.env.reset() for model in models])
    assert len(np.unique(starts, axis=0)) == 4


def test_sac_with_copies_updates_after_each_parallel_step():
    model = build(changed(SAC, parallel_slots=4, warmup_slots=10, updates_per_step=2))
    model.learn(24, log_interval=None)  # three steps warm up, three learn
    assert (model.num_timesteps, model._n_updates, model.replay_buffer.pos) == (24, 6, 6)


@pytest.mark.parametrize(
    ("face", "features", "decisions"),
    [
        ({"observation": "csi", "extraction": "none", "encoding": "unscaled"}, 6, 6),
        ({"extraction": "random", "edge_cpu": "shares", "encoding": "physical"}, 16, 6),
    ],
    ids=["none", "random"],
)
def test_the_policy_has_the_environments_face(face, features, decisions):
    settings = changed(PPO, **face)
    model, slots, key = build(settings), curve_slots(SCENARIO, 0), jax.random.key(5)
    assert model.observation_space.shape == (features,)
    assert model.action_space.shape == (decisions,)
    policy = PeerPolicy(model, settings.interface)
    allocation = policy(SCENARIO, see(slots, policy.observation), key)
    given = draw_phi(key, SCENARIO, slots.data_bits.shape) if settings.extraction == "random" else 1.0
    np.testing.assert_allclose(allocation.extraction_factor, np.broadcast_to(given, slots.data_bits.shape), rtol=1e-6)
    capacity = SCENARIO.edge_cpu_max_hz
    if settings.edge_cpu == "shares":
        np.testing.assert_allclose(np.sum(allocation.edge_cpu_hz, axis=-1), capacity, rtol=1e-5)
    one = jax.tree.map(lambda leaf: leaf[7], see(slots, policy.observation))  # a batch of no axes
    assert np.shape(policy(SCENARIO, one, key).device_cpu_hz) == (2,)


def test_a_seed_whose_weights_are_lost_has_no_policy_and_says_when():
    trained = train(changed(SAC, learning_rate=1e30, warmup_slots=50))
    assert trained.policy is None
    assert [row.slots for row in trained.curve] == [0, 30, 60, 90, 120]
    assert [math.isfinite(row.cost) for row in trained.curve] == [True, True, False, False, False]
    (sign,) = find_divergences(trained.curve)
    assert (sign.slots, sign.reason) == (60, "weights or losses are no longer finite numbers")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (changed(SAC, architecture="set"), "architecture = set"),
        (changed(SAC, architecture="set", critic_reward="devices"), "architecture = set"),
        (changed(SAC, learning_rate_end=0.1), "learning_rate_end = 0.1"),
        (changed(PPO, learning_rate_end=0.1), "learning_rate_end = 0.1"),
        (changed(PPO, architecture="set"), "architecture = set"),
        (changed(PPO, batch_size=1), "batch_size = 1"),
        (changed(PPO, batch_size=7), "rollout_slots = 16 must be a multiple"),
        (changed(SAC, critic_reward="devices"), "critic_reward = devices"),
        (changed(SAC, critics=1), "critics = 1"),
        (changed(SAC, critic_activation="tanh"), "critic_activation = tanh"),
        (changed(SAC, entropy_drop=1.0), "entropy_drop = 1.0"),
        (changed(SAC, initial_weights="orthogonal"), "initial_weights = orthogonal"),
        (changed(PPO, initial_weights="lecun"), "initial_weights = lecun"),
        (GradientSettings(), "gradient"),
    ],
    ids=str,
)
def test_what_the_library_cannot_do_is_one_line(settings, told, complains):
    with complains(told):
        check_peer(settings)
    with complains(told):
        train(settings)


def test_without_the_library(monkeypatch, complains):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    with complains("Stable-Baselines3 is not installed", "pip install stable-baselines3"):
        check_peer(SAC)
