import dataclasses

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import twinsync.environment.registration
from twinsync.environment.dtsync import next_cycle
from twinsync.environment.gym import DTSyncEnv
from twinsync.model import draw_cycle
from twinsync.presets import load_scenario
from twinsync.streams import root_key

ENV_ID = twinsync.environment.registration.ENV_ID
CONFIGURATIONS = [
    {},
    {"observation": "csi", "edge_cpu": "shares", "extraction": "random", "cycle_end": "truncation"},
    {"scenario": "literal", "extraction": "none", "overrides": ["device_count=1"], "reward_scale": 0.1},
    {"encoding": "unscaled", "overrides": ["device_count=1"]},
]


def play_cycle(env):
    """The infos of a cycle with fixed actions, and the flags of its last step."""
    infos, over = [], False
    while not over:
        *_, terminated, truncated, info = env.step(np.full(env.action_space.shape, 0.3, np.float32))
        infos.append(info)
        over = terminated or truncated
    return infos, (terminated, truncated)


def assert_plays(env, key):
    infos, _ = play_cycle(env)
    slots = jax.jit(draw_cycle)(key, env.mdp.scenario)
    for name in ("distance_m", "data_bits", "channel_gain"):
        np.testing.assert_allclose([info[name] for info in infos], getattr(slots, name), rtol=1e-5)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_gymnasiums_checker_has_nothing_to_say(options):
    check_env(gymnasium.make(ENV_ID, **options).unwrapped)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_stable_baselines_checker_has_nothing_to_say(options):
    check_env_for_sb3(DTSyncEnv(**options))


def test_a_seed_plays_the_models_cycle_and_then_the_next_ones():
    env = DTSyncEnv()
    for _ in range(2):
        env.reset(seed=11)
        assert_plays(env, root_key(11))
        env.reset()
        assert_plays(env, next_cycle(root_key(11)))


def test_without_a_seed_no_two_environments_play_the_same():
    firsts = [DTSyncEnv().reset()[0] for _ in range(3)]
    assert len(np.unique(firsts, axis=0)) == 3


def test_reward_is_minus_the_scaled_cost():
    env, scaled = DTSyncEnv(), DTSyncEnv(reward_scale=1 / 60)
    for each in (env, scaled):
        each.reset(seed=1)
        each.action_space.seed(1)
    action = env.action_space.sample()
    _, reward, _, _, info = env.step(action)
    assert reward == -info["cost"]
    assert scaled.step(action)[1] == pytest.approx(reward / 60)


def test_the_encoding_is_the_interfaces():
    plain, unscaled = DTSyncEnv(), DTSyncEnv(encoding="unscaled")
    assert unscaled.mdp.interface == dataclasses.replace(plain.mdp.interface, encoding="unscaled")
    seen = unscaled.reset(seed=1)[0]
    info = unscaled.step(np.zeros(24))[4]
    np.testing.assert_allclose(seen, [*info["distance_m"], *info["data_bits"] / 1e6], rtol=1e-6)


def test_info_holds_every_part_of_the_slot():
    env = DTSyncEnv()
    assert env.reset(seed=1)[1] == {}
    infos, _ = play_cycle(env)
    assert [info["slot"] for info in infos] == list(range(1, 26))
    for info in infos:
        parts = info["extraction_latency_s"] + info["uplink_latency_s"] + info["recovery_latency_s"]
        np.testing.assert_allclose(info["sync_latency_s"], parts, rtol=1e-5)
        counted = info["sensing_latency_s"] + info["capped_sync_latency_s"]
        assert info["total_latency_s"] == pytest.approx(counted.sum(), rel=1e-5)
        assert info["cost"] == pytest.approx(info["total_latency_s"] + info["penalty"], rel=1e-5)
        energy = info["sensing_energy_j"] + info["extraction_energy_j"] + info["uplink_energy_j"]
        np.testing.assert_allclose(info["energy_j"], energy, rtol=1e-5)
        # An action of 0.3 is 65 % of the way: phi 0.3 + 0.65 * 0.7, f 0.05 + 0.65 * 0.95 GHz.
        np.testing.assert_allclose(info["extraction_factor"], np.full(6, 0.755), rtol=1e-5)
        np.testing.assert_allclose(info["device_cpu_hz"], np.full(6, 0.6675e9), rtol=1e-5)
        np.testing.assert_allclose(info["sent_bits"], 0.755 * info["data_bits"], rtol=1e-5)
        late = np.maximum(info["sync_latency_s"] - 0.9, 0)
        np.testing.assert_allclose(info["violations"]["deadline_s"], late, atol=1e-5)
        assert {type(info[name]) for name in ("total_latency_s", "penalty", "cost")} == {float}
        assert all(isinstance(info[name], np.ndarray) for name in ("outage", "energy_j", "edge_cpu_hz"))


@pytest.mark.parametrize(
    ("options", "flags"), [(CONFIGURATIONS[0], (True, False)), (CONFIGURATIONS[1], (False, True))], ids=str
)
def test_a_cycle_has_n_steps_and_then_needs_a_reset(options, flags):
    env = DTSyncEnv(**options)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(env.action_space.sample())
    for _ in range(2):
        env.reset(seed=0)
        infos, ended = play_cycle(env)
        assert len(infos) == 25
        assert ended == flags
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(env.action_space.sample())


def test_actions_beyond_one_are_clipped_and_other_numbers_are_welcome():
    env = DTSyncEnv()
    rewards = []
    for action in (np.full(24, 1e300), np.ones(24, int), np.ones(24, np.float32)):
        env.reset(seed=3)
        rewards.append(env.step(action)[1])
    assert rewards[0] == rewards[1] == rewards[2]


def test_a_scenario_comes_by_name_by_file_or_as_an_object(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('base = "paper"\ndevice_count = 2\n')
    by_path, by_string = DTSyncEnv(file), DTSyncEnv(str(file))
    by_object = DTSyncEnv(load_scenario("paper", ["device_count=2"]))
    by_override = DTSyncEnv(overrides=["device_count=2"])
    assert {env.mdp for env in (by_path, by_string, by_object, by_override)} == {by_path.mdp}
    assert by_path.action_space.shape == (8,)


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ({"scenario": "papre"}, ("'papre'", "paper")),
        ({"scenario": "no/such.toml"}, ("no/such.toml",)),
        ({"overrides": ["bandwith_hz=1e6"]}, ("bandwith_hz", "bandwidth_hz")),
        ({"overrides": "bandwidth_hz=1e6"}, ("overrides", "list")),
        ({"scenario": load_scenario("paper"), "overrides": ["bandwidth_hz=1e6"]}, ("overrides", "replace")),
        ({"observation": "everything"}, ("observation", "'everything'", "paper, csi")),
        ({"edge_cpu": "all"}, ("edge_cpu", "requests, shares")),
        ({"extraction": "some"}, ("extraction", "chosen, none, random")),
        ({"encoding": "polar"}, ("encoding", "affine, unscaled, physical")),
        ({"cycle_end": "never"}, ("cycle_end", "terminal, truncation")),
        ({"reward_scale": 0.0}, ("reward_scale", "above 0")),
        ({"reward_scale": float("nan")}, ("reward_scale", "nan")),
        ({"render_mode": "human"}, ("render_mode", "rgb_array, ansi")),
    ],
    ids=str,
)
def test_a_wrong_option_is_one_clear_line(options, fragments, complains):
    with complains(*fragments):
        DTSyncEnv(**options)


@pytest.mark.parametrize(
    ("action", "fragments"),
    [
        (np.zeros(23), ("shape (23,)", "expected (24,)")),
        (np.zeros((1, 24)), ("shape (1, 24)", "expected (24,)")),
        (np.where(np.arange(24) == 7, np.nan, 0), ("action[7]", "nan")),
        (np.where(np.arange(24) == 7, np.inf, 0), ("action[7]", "inf")),
        (np.full(24, "fast"), ("action", "numbers", "ndarray")),
    ],
    ids=str,
)
def test_a_wrong_action_is_one_clear_line_and_changes_nothing(action, fragments, complains):
    env = DTSyncEnv()
    env.reset(seed=0)
    with complains(*fragments):
        env.step(action)
    assert env.step(np.zeros(24))[4]["slot"] == 1


def test_a_wrong_seed_or_reset_option_is_one_clear_line(complains):
    env = DTSyncEnv()
    for seed in (-1, 2**32):
        with complains("seed", str(seed), "2**32 - 1"):
            env.reset(seed=seed)
    with complains("start_slot", "none"):
        env.reset(options={"start_slot": 3})
