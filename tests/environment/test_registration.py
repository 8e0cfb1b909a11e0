import gymnasium

from twinsync.environment.gym import DTSyncEnv
from twinsync.environment.registration import ENV_ID, register
from twinsync.environment.vector import DTSyncVectorEnv


def test_the_environment_can_be_made_by_its_id():
    assert ENV_ID == "twinsync/DTSync-v0"
    env = gymnasium.make("twinsync/DTSync-v0", scenario="feasible", observation="csi")
    assert isinstance(env.unwrapped, DTSyncEnv)
    assert env.unwrapped.mdp.scenario.bandwidth_hz == 2e6
    assert env.observation_space.shape == (18,)


def test_the_module_in_the_id_is_enough():
    env = gymnasium.make("twinsync.environment.registration:twinsync/DTSync-v0")
    assert isinstance(env.unwrapped, DTSyncEnv)


def test_many_copies_are_one_vector_environment():
    envs = gymnasium.make_vec("twinsync/DTSync-v0", num_envs=3, edge_cpu="shares")
    assert isinstance(envs, DTSyncVectorEnv)
    assert envs.num_envs == 3


def test_registering_again_changes_nothing():
    before = gymnasium.registry[ENV_ID]
    register()
    assert gymnasium.registry[ENV_ID] is before
