"""The learning curve of a Stable-Baselines3 model, recorded like ours."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.environment.interface import see
from twinsync.learning.divergence import discount_sum, value_bound
from twinsync.learning.settings import PpoSettings, SacSettings
from twinsync.learning.training import CurveRow, curve_slots
from twinsync.model import slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import root_key, stream

_SAMPLE = 512  # number of replayed transitions from which SAC's |Q| and entropy are estimated
_OF_UPDATES = ("critic_loss", "entropy", "alpha", "value_size")

_outcome = jax.jit(slot_outcome)


def finite_weights(model: Any) -> bool:
    """Whether all weights of a model are finite."""
    import torch

    return all(bool(torch.isfinite(weight).all()) for weight in model.policy.parameters())


class Judge:
    """Records a model's curve at the points that `learning.training.advance` would have: at a fixed interval of whole
    steps of the algorithm, and after the last. rows: the points so far."""

    def __init__(
        self, policy: Any, scenario: Scenario, settings: SacSettings | PpoSettings, *, seed: int, number: int,
        stretches: int,
    ) -> None:  # fmt: skip
        """policy: a `peers.PeerPolicy` with an untrained model. seed: root seed. number: training seed."""
        self.policy, self.scenario, self.settings, self.number = policy, scenario, settings, number
        self.rows: list[CurveRow] = []
        ppo = isinstance(settings, PpoSettings)
        self._slots_per_step = settings.rollout_slots if ppo else settings.parallel_slots
        self._steps = -(-settings.slots // self._slots_per_step)
        self._length = max(self._steps // stretches, 1)
        self._warmup_steps = 0 if ppo else -(-settings.warmup_slots // self._slots_per_step)
        self._slots = curve_slots(scenario, seed)
        self._key = stream(root_key(seed), "curve phi")
        self._largest_reward = self._value_size = math.nan
        self._rewards: list[float] = []
        self._updates: list[dict[str, float]] = []

    def meet(self, rewards: np.ndarray) -> None:
        """Record the rewards [copies] of one step, as the learner sees them."""
        self._largest_reward = float(np.fmax(self._largest_reward, np.abs(rewards).max()))
        self._rewards.append(float(rewards.mean()))

    def collect(self) -> None:
        """Record the values of a complete rollout, which are lost once its updates are done."""
        if isinstance(self.settings, PpoSettings):
            self._value_size = float(np.abs(self.policy.model.rollout_buffer.values).mean())

    def reach(self) -> None:
        """Record the updates that followed the last step, and a point of the curve if one is due."""
        step = self.policy.model.num_timesteps // self._slots_per_step
        if step > 0:
            self._updates.append(self._update())
        if self._due(step):
            self._note(step)
        if self._due(step) or step == self._warmup_steps:  # as in our curves, points do not include the warm-up
            self._rewards.clear()
            self._updates.clear()

    def give_up(self) -> None:
        """Record NaN at all remaining points, since the weights are no longer finite."""
        nothing = (math.nan,) * (len(CurveRow._fields) - 2)
        for step in range(self.rows[-1].slots // self._slots_per_step + 1, self._steps + 1):
            if self._due(step):
                self.rows.append(CurveRow(self.number, step * self._slots_per_step, *nothing))

    def _due(self, step: int) -> bool:
        return step % self._length == 0 or step == self._steps

    def _note(self, step: int) -> None:
        cost, latency_s = self._cost()
        reward = _mean(self._rewards) / self.settings.reward_factor(self.scenario.device_count)
        numbers = {name: _mean([update.get(name, math.nan) for update in self._updates]) for name in _OF_UPDATES}
        if isinstance(self.settings, SacSettings) and self.policy.model._n_updates:
            numbers |= _sampled(self.policy.model, self.settings.discount)
        self.rows.append(
            CurveRow(
                self.number, step * self._slots_per_step, cost, latency_s, reward, **numbers, value_bound=self._bound()
            )
        )  # fmt: skip

    def _cost(self) -> tuple[float, float]:
        """Mean cost and latency [s] of the deterministic policy on the fixed slots; NaN if weights are not finite."""
        if not finite_weights(self.policy.model):
            return math.nan, math.nan
        allocation = self.policy(self.scenario, see(self._slots, self.policy.observation), self._key)
        outcome = _outcome(self.scenario, self._slots, allocation)
        return float(jnp.mean(outcome.cost)), float(jnp.mean(outcome.total_latency_s))

    def _bound(self) -> float:
        """The largest |Q| that the rewards seen so far allow."""
        settings = self.settings
        discounts = discount_sum(settings.discount, self.scenario.slot_count, settings.cycle_end)
        if isinstance(settings, PpoSettings):
            return value_bound(self._largest_reward, 0.0, 0.0, discounts)
        first = settings.initial_alpha * self.policy.model.action_space.shape[0] * math.log(2.0)
        return value_bound(self._largest_reward, math.inf, first, discounts)

    def _update(self) -> dict[str, float]:
        """What the updates of one step tell, by the curve's names and in its units."""
        model = self.policy.model
        logged = model.logger.name_to_value
        if isinstance(self.settings, SacSettings):
            alpha = float(model.log_ent_coef.detach().exp())
            return {"critic_loss": logged.get("train/critic_loss", math.nan), "alpha": alpha}
        entropy = float((model.policy.log_std.detach() + 0.5 * math.log(2.0 * math.pi * math.e)).sum())
        return {
            "critic_loss": 0.5 * logged["train/value_loss"],  # the library's is the mean square, without the half
            "entropy": entropy,
            "value_size": self._value_size,
        }


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _sampled(model: Any, discount: float) -> dict[str, float]:
    """Entropy of SAC's policy, and mean |Q| of the critics or of their targets, whichever is larger.

    Both are over a sample of the replay memory that is the same for models of the same age. The state of PyTorch's
    generator is preserved.
    """
    import torch

    memory, draw = model.replay_buffer, np.random.default_rng(0)
    rows = draw.integers(0, memory.size(), _SAMPLE)
    copies = draw.integers(0, memory.n_envs, _SAMPLE)
    names = ("observations", "actions", "rewards", "next_observations", "dones", "timeouts")
    seen, action, reward, following, done, cut = (torch.as_tensor(getattr(memory, x)[rows, copies]) for x in names)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        q = torch.cat(model.critic(seen, action), dim=1)
        next_action, next_log_prob = model.actor.action_log_prob(following)
        q_next = torch.cat(model.critic_target(following, next_action), dim=1).min(dim=1).values
        value = q_next - model.log_ent_coef.exp() * next_log_prob
        target = reward + discount * (1.0 - done * (1.0 - cut)) * value
        log_prob = model.actor.action_log_prob(seen)[1]
    size = max(float(q.abs().mean()), float(target.abs().mean()))
    return {"entropy": -float(log_prob.mean()), "value_size": size}
