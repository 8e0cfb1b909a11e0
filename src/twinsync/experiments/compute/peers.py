"""Stable-Baselines3's SAC and PPO with our settings on the same environment: a second implementation to check ours.

`check_peer` refuses settings that the library does not support; all others of `SacSettings` and `PpoSettings` are
honoured. The remaining differences from `learning.sac` and `learning.ppo`, according to release 2.9.2 of the library:

Both: random numbers.

SAC: initial weights are PyTorch's default: weights and biases uniform in +-1/sqrt(inputs), with last layers no smaller
than the others (ours: LeCun's uniform, in +-sqrt(3/inputs), a hundredth of that in an actor's last layer, biases 0).
The log standard deviation is clipped to [-20, 2] (ours: [-10, 2]). The density of a = tanh(u) uses
ln(1 - a^2 + 1e-6), which is at least -13.8 where u saturates (ours: exact). The temperature descends (28) with
ln(alpha) in place of the factor alpha (ours: alpha as printed, by its derivative in ln(alpha)). The library counts the
interval between copies of the targets within one call of `train` and restarts with the next, so at one update per step
every update would copy; `_hard_target_sac` counts over the whole run, as ours does.

PPO: one free log standard deviation per number decided (ours: one per kind of decision, shared by the devices).
Advantages of a mini-batch of B are divided by the standard deviation over B - 1 (ours: B). Gradients are clipped by
their norm + 1e-6. The following are the same: at a truncation, gamma V of the next state is added to the reward and the
sum ends, as in our `generalised_advantage`; the value loss is the mean square times `value_weight`; actions are stored
as drawn, and clipped to [-1, 1] only for the environment.

The curve has our points and our fixed slots. For SAC, |Q| and entropy are means over 512 replayed transitions at the
point itself (ours: over the mini-batches since the previous point), and the entropy's part in the bound on |Q| counts
in full (ours: as far as it was seen).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.arrays import Array, Float, Key
from twinsync.environment.interface import Interface, Sight, draw_phi, observe, to_allocation
from twinsync.environment.vector import DTSyncVectorEnv
from twinsync.errors import InputError
from twinsync.experiments.compute.peer_curve import Judge, finite_weights
from twinsync.learning.settings import PpoSettings, SacSettings, Settings
from twinsync.learning.training import CurveRow
from twinsync.learning.validation import check_settings
from twinsync.model import Allocation
from twinsync.scenario import Scenario

_SEEDS = 2**31  # copy i of the environment is seeded with the run's seed + i, which must stay below 2**32


class PeerPolicy:
    """A trained model's deterministic policy as an allocator; random extraction draws its phi from `key`."""

    def __init__(self, model: Any, interface: Interface) -> None:
        self.model, self.interface, self.observation = model, interface, interface.observation

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        seen, given_phi = _seen(self.interface, scenario, sight, key)
        rows = np.asarray(seen, np.float32).reshape(-1, seen.shape[-1])
        action = self.model.predict(rows, deterministic=True)[0].reshape(*seen.shape[:-1], -1)
        return _allocation(self.interface, scenario, jnp.asarray(action, seen.dtype), given_phi)


class TrainedPeer(NamedTuple):
    """The result of one seed: its learning curve, its policy (None if its weights are not finite), and its time.

    training_s: includes building the model and evaluating it for the curve, as for ours.
    """

    curve: tuple[CurveRow, ...]
    policy: PeerPolicy | None
    training_s: float


def check_peer(settings: Settings) -> None:
    """Raise `InputError` for a setting that the library does not support, or if the library is not installed."""
    if find_spec("stable_baselines3") is None:
        raise InputError("Stable-Baselines3 is not installed; run: pip install stable-baselines3")
    if not isinstance(settings, SacSettings | PpoSettings):
        raise InputError("Stable-Baselines3 has no algorithm = gradient; it takes sac or ppo")
    check_settings(settings)
    initial = "orthogonal" if isinstance(settings, PpoSettings) else "lecun"
    for name, only in (
        ("architecture", "flat"), ("critic_reward", "total"), ("learning_rate_end", 1.0), ("entropy_drop", 0.0),
        ("critics", 2), ("critic_activation", "relu"), ("initial_weights", initial),
    ):  # fmt: skip
        value = getattr(settings, name, only)
        if value != only:
            raise InputError(f"Stable-Baselines3 does not support {name} = {value}; it takes only {only}")
    if isinstance(settings, PpoSettings) and settings.batch_size == 1:
        raise InputError("Stable-Baselines3 does not support PPO with batch_size = 1; it takes 2 or more")


def peer_versions() -> dict[str, str]:
    """Versions of the libraries that train a peer."""
    return {name: version(name) for name in ("stable-baselines3", "torch")}


def train_peer(
    scenario: Scenario,
    settings: Settings,
    *,
    seed: int,
    number: int,
    stretches: int,
    progress: Callable[[int], None] | None = None,
) -> TrainedPeer:
    """Train seed `number` under root seed `seed`; the same arguments give the same numbers.

    stretches: points of the curve besides the first, as in `learning.training.advance`. progress: called with the slots
    done, after every step. Sets the process's number of PyTorch threads to 1, and seeds NumPy's global generator.
    Raises `InputError` as `check_peer` does. If weights become non-finite, the cost is NaN from there on.
    """
    began = time.perf_counter()
    model = build_peer(scenario, settings, seed=seed, number=number)
    assert isinstance(settings, SacSettings | PpoSettings)
    policy = PeerPolicy(model, settings.interface)
    judge = Judge(policy, scenario, settings, seed=seed, number=number, stretches=stretches)
    tell = progress or (lambda slots: None)
    try:
        model.learn(settings.slots, callback=_watch(judge, tell), log_interval=None)
    except ValueError:  # PyTorch's normal distribution rejects a mean that is NaN
        if finite_weights(model):
            raise
        judge.give_up()
    kept = policy if finite_weights(model) else None
    return TrainedPeer(tuple(judge.rows), kept, time.perf_counter() - began)


def build_peer(scenario: Scenario, settings: Settings, *, seed: int, number: int) -> Any:
    """The library's model before its first slot, with its environment. Raises `InputError` as `check_peer` does."""
    check_peer(settings)
    assert isinstance(settings, SacSettings | PpoSettings)
    import torch

    torch.set_num_threads(1)  # small networks are slower on more, and sums must not depend on the number of threads
    hidden = list(settings.hidden)
    shared: dict[str, Any] = {
        "policy": "MlpPolicy", "env": _copies(scenario, settings), "device": "cpu", "gamma": settings.discount,
        "learning_rate": settings.learning_rate, "batch_size": settings.batch_size,
        # No two seeds use the same cycles in any copy.
        "seed": (1000 * seed + number) * settings.parallel_slots % _SEEDS,
        "policy_kwargs": {"net_arch": {"pi": hidden}, "activation_fn": torch.nn.ReLU},
    }  # fmt: skip
    return _sac(settings, shared) if isinstance(settings, SacSettings) else _ppo(settings, shared)


def _sac(settings: SacSettings, shared: dict[str, Any]) -> Any:
    from stable_baselines3 import SAC

    hard, copies = settings.target == "hard", settings.parallel_slots
    shared["policy_kwargs"]["net_arch"]["qf"] = list(settings.hidden)
    model = _hard_target_sac(settings.target_period) if hard else SAC
    return model(
        **shared,
        # Ours has the same length in whole parallel steps, and a warm-up of whole steps.
        buffer_size=_whole(min(settings.buffer_size, settings.slots), copies),
        learning_starts=_whole(settings.warmup_slots, copies),
        train_freq=1, gradient_steps=settings.updates_per_step, tau=1.0 if hard else settings.target_rate,
        target_update_interval=1, ent_coef=f"auto_{settings.initial_alpha}",
        target_entropy=settings.entropy_per_decision * shared["env"].action_space.shape[0],
    )  # fmt: skip


def _ppo(settings: PpoSettings, shared: dict[str, Any]) -> Any:
    from stable_baselines3 import PPO

    shared["policy_kwargs"]["net_arch"]["vf"] = list(settings.hidden)
    shared["policy_kwargs"] |= {"log_std_init": settings.initial_log_std, "optimizer_kwargs": {"eps": 1e-5}}
    return PPO(
        **shared, n_steps=settings.rollout_slots // settings.parallel_slots, n_epochs=settings.passes,
        gae_lambda=settings.gae_decay, clip_range=settings.clip, clip_range_vf=None, normalize_advantage=True,
        ent_coef=0.0, vf_coef=settings.value_weight, max_grad_norm=settings.gradient_clip,
    )  # fmt: skip


def _whole(slots: int, copies: int) -> int:
    """The smallest multiple of `copies` that is not below `slots`."""
    return -(-slots // copies) * copies


def _hard_target_sac(period: int) -> Any:
    """The library's SAC with targets that are copied after every `period` updates and fixed in between."""
    from stable_baselines3 import SAC

    class HardTargetSac(SAC):
        def train(self, gradient_steps: int, batch_size: int = 64) -> None:
            for _ in range(gradient_steps):
                self.tau = 1.0 if (self._n_updates + 1) % period == 0 else 0.0
                super().train(1, batch_size)

    return HardTargetSac


def _copies(scenario: Scenario, settings: SacSettings | PpoSettings) -> Any:
    """Our vector environment in the library's interface, with `parallel_slots` copies and our learner's rewards."""
    from stable_baselines3.common.vec_env import VecEnv

    copies = DTSyncVectorEnv(
        settings.parallel_slots, scenario, observation=settings.observation, edge_cpu=settings.edge_cpu,
        extraction=settings.extraction, cycle_end=settings.cycle_end, encoding=settings.encoding,
        reward_scale=settings.reward_factor(scenario.device_count),
    )  # fmt: skip

    class Copies(VecEnv):
        actions: np.ndarray

        def reset(self) -> np.ndarray:
            observations, _ = copies.reset(seed=[seed for seed in self._seeds if seed is not None] or None)
            self._reset_seeds()
            return observations

        def step_async(self, actions: np.ndarray) -> None:
            self.actions = actions

        def step_wait(self) -> Any:
            observations, rewards, terminated, truncated, step_info = copies.step(self.actions)
            over = terminated | truncated
            infos = [{"TimeLimit.truncated": bool(cut)} for cut in truncated & ~terminated]
            for place in np.flatnonzero(over):
                infos[place]["terminal_observation"] = step_info["final_obs"][place]
            return observations, rewards.astype(np.float32), over, infos

        def close(self) -> None:
            copies.close()

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [getattr(copies, attr_name)] * self.num_envs

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise NotImplementedError

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **options: Any) -> list[Any]:
            raise NotImplementedError

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * self.num_envs

    return Copies(copies.num_envs, copies.single_observation_space, copies.single_action_space)


def _watch(judge: Judge, tell: Callable[[int], None]) -> Any:
    """The callback that calls the judge: with the rewards of each step, and before the next step, when the updates that
    follow a step (PPO: a rollout) are done."""
    from stable_baselines3.common.callbacks import BaseCallback

    class Watch(BaseCallback):
        def _on_step(self) -> bool:
            judge.meet(self.locals["rewards"])
            tell(self.num_timesteps)
            return True

        def _on_rollout_end(self) -> None:
            judge.collect()

        def _on_rollout_start(self) -> None:
            judge.reach()

        def _on_training_end(self) -> None:
            judge.reach()

    return Watch()


def _see(
    interface: Interface, scenario: Scenario, sight: Sight, key: Key
) -> tuple[Float[Array, "*b F"], Float[Array, "*b K"] | None]:
    """What the policy observes, and phi if it is given."""
    given_phi = draw_phi(key, scenario, jnp.shape(sight.data_bits)) if interface.extraction == "random" else None
    return observe(interface, scenario, sight, given_phi), given_phi


_seen = jax.jit(_see, static_argnums=0)
_allocation = jax.jit(to_allocation, static_argnums=0)
