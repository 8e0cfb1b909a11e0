import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from twinsync.environment import vector
from twinsync.environment.gym import DTSyncEnv
from twinsync.environment.vector import DTSyncVectorEnv

# The same few shapes throughout, because each new shape is compiled.
RICH = {
    "observation": "csi",
    "edge_cpu": "shares",
    "extraction": "random",
    "cycle_end": "truncation",
    "encoding": "unscaled",
}
ZEROS = np.zeros((2, 24), np.float32)


@pytest.fixture(scope="module")
def two():
    """Two copies with the default options; each test resets them."""
    return DTSyncVectorEnv(2)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("copies", "options"), [(2, {}), (1, {**RICH, "reward_scale": 0.01})], ids=["plain", "rich"])
def test_equals_gymnasiums_own_vector_of_single_environments(copies, options, same):
    ours = DTSyncVectorEnv(copies, **options)
    theirs = SyncVectorEnv([lambda: DTSyncEnv(**options)] * copies, autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    ours.action_space.seed(0)
    for seed in (5, None):
        mine, other = ours.reset(seed=seed), theirs.reset(seed=seed)
        close(mine[0], other[0])
        same(mine[1], other[1])
        for _ in range(27):
            actions = ours.action_space.sample()
            mine, other = ours.step(actions), theirs.step(actions)
            for a, b in zip(mine[:4], other[:4], strict=True):
                assert a.dtype == b.dtype
                close(a, b)
            same(mine[4], other[4])


def test_one_copy_equals_the_single_environment(same):
    single, copies = DTSyncEnv(**RICH), DTSyncVectorEnv(1, **RICH)
    close(single.reset(seed=2)[0], copies.reset(seed=2)[0][0])
    single.action_space.seed(0)
    for _ in range(24):
        action = single.action_space.sample()
        observation, reward, terminated, truncated, info = single.step(action)
        observations, rewards, terminations, truncations, infos = copies.step(action[None])
        close(observations[0], observation)
        assert rewards[0] == pytest.approx(reward, rel=1e-4)
        assert (terminations[0], truncations[0]) == (terminated, truncated)
        violations = info.pop("violations")
        same({key: infos[key][0] for key in info}, info)
        same({key: infos["violations"][key][0] for key in violations}, violations)


def test_the_cycles_last_step_hands_out_the_final_observation_and_info(two):
    assert two.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    two.reset(seed=0)
    for _ in range(24):
        infos = two.step(ZEROS)[4]
        assert "final_obs" not in infos
        assert infos["_cost"].all()
    observations, rewards, terminations, truncations, infos = two.step(ZEROS)
    assert terminations.all()
    assert not truncations.any()
    assert infos["_final_obs"].all()
    np.testing.assert_array_equal(infos["final_info"]["slot"], [25, 25])
    np.testing.assert_allclose(infos["final_info"]["cost"], -rewards, rtol=1e-6)
    for first, final in zip(observations, infos["final_obs"], strict=True):
        assert first in two.single_observation_space
        assert final in two.single_observation_space
        # UDs walk for half a minute in between, and data sizes are drawn again.
        assert not np.allclose(first, final)
    np.testing.assert_array_equal(two.step(ZEROS)[4]["slot"], [1, 1])


def test_thousands_of_copies_step_in_one_jitted_call(monkeypatch):
    calls = []
    jitted = vector._step

    def counted(*arguments):
        calls.append(len(arguments[2]))
        return jitted(*arguments)

    monkeypatch.setattr(vector, "_step", counted)
    envs = gymnasium.make_vec("twinsync.environment.registration:twinsync/DTSync-v0", num_envs=4096)
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (4096, 12)
    # Every copy has a cycle of its own.
    assert len(np.unique(observations, axis=0)) == 4096
    _, rewards, *_ = envs.step(np.zeros((4096, 24), np.float32))
    assert rewards.shape == (4096,)
    assert calls == [4096]


def test_gymnasiums_wrappers_understand_it(two):
    envs = RecordEpisodeStatistics(two)
    envs.reset(seed=0)
    returns = sum(envs.step(ZEROS)[1] for _ in range(25))
    np.testing.assert_allclose(list(envs.return_queue), returns)
    assert list(envs.length_queue) == [25, 25]
    listed = DictInfoToList(two)
    listed.reset(seed=0)
    for _ in range(25):
        infos = listed.step(ZEROS)[4]
    assert [info["final_info"]["slot"] for info in infos] == [25, 25]
    assert infos[0]["final_info"]["energy_j"].shape == (6,)


def test_seeds_one_for_each_copy(two):
    chosen, _ = two.reset(seed=[4, 3])
    counted, _ = two.reset(seed=3)
    np.testing.assert_array_equal(counted, chosen[::-1])
    going_on, _ = two.reset()
    assert not np.allclose(going_on, counted)
    again, _ = two.reset(seed=3)
    np.testing.assert_array_equal(again, counted)
    as_array, _ = two.reset(seed=np.array([4, 3]))
    np.testing.assert_array_equal(as_array, chosen)
    partly, _ = two.reset(seed=[4, None])
    np.testing.assert_array_equal(partly[0], chosen[0])
    unseeded = [DTSyncVectorEnv(2).reset()[0] for _ in range(2)]
    assert len(np.unique(np.concatenate(unseeded), axis=0)) == 4


def test_wrong_input_is_one_clear_line(complains):
    with complains("num_envs = 0", "at least 1"):
        DTSyncVectorEnv(0)
    with complains("render_mode = 'rgb_array'", "DTSyncEnv"):
        DTSyncVectorEnv(2, render_mode="rgb_array")
    with complains("edge_cpu", "'all'"):
        DTSyncVectorEnv(2, edge_cpu="all")
    with complains("reward_scale"):
        DTSyncVectorEnv(2, reward_scale=-1.0)
    envs = DTSyncVectorEnv(2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs.step(ZEROS)
    with complains("seed has 3 entries", "2 copies"):
        envs.reset(seed=[1, 2, 3])
    with complains("seed = True must be a whole number"):
        envs.reset(seed=True)
    with complains("seed", str(2**32)):
        envs.reset(seed=2**32 - 1)
    with complains("reset_mask"):
        envs.reset(options={"reset_mask": np.ones(2, bool)})
    envs.reset(seed=0)
    with complains("shape (24,)", "expected (2, 24)"):
        envs.step(np.zeros(24))
    actions = ZEROS.copy()
    actions[1, 5] = np.nan
    with complains("action[1, 5]", "nan"):
        envs.step(actions)
