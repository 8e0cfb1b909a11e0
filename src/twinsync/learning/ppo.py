"""Proximal policy optimisation, the paper's benchmark, with the same interface to `training` as `sac`.

Reference: J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347; GAE: arXiv:1506.02438.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from twinsync.allocators.networks import Critic, Network
from twinsync.allocators.policy import Policy
from twinsync.arrays import Float, Key, Scalar
from twinsync.environment.dtsync import DTSync, EnvState
from twinsync.learning.algorithm import Stats, descend, falling_rate
from twinsync.learning.losses import normal_log_prob
from twinsync.learning.settings import PpoSettings
from twinsync.streams import stream


class Actor(eqx.Module):
    """Network of the mean, and one free log standard deviation per decision, shared by all devices."""

    network: Network
    log_std: Float[jax.Array, " decisions"]


class PpoLearned(NamedTuple):
    """Everything that gradient steps change."""

    actor: Actor
    value: Critic
    moments: optax.OptState


class PpoState(NamedTuple):
    """The complete training state of one seed."""

    learned: PpoLearned
    environment: EnvState  # leaves stacked [P, ...]
    observation: Float[jax.Array, "P F"]
    key: Key


class Rollout(NamedTuple):
    """A rollout of T steps of P copies, [T, P, ...], or a mini-batch of it, [B, ...]; rewards are scaled.

    next_value: V of the state that actually followed. terminated: 1.0 where values stop. over: 1.0 where a cycle ends.
    """

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    reward: jax.Array
    value: jax.Array
    next_value: jax.Array
    terminated: jax.Array
    over: jax.Array


def generalised_advantage(
    reward: Float[jax.Array, " T *b"],
    value: Float[jax.Array, " T *b"],
    next_value: Float[jax.Array, " T *b"],
    terminated: Float[jax.Array, " T *b"],
    over: Float[jax.Array, " T *b"],
    discount: Scalar,
    decay: Scalar,
) -> Float[jax.Array, " T *b"]:
    """Generalised advantage estimate, GAE(lambda) with lambda = `decay`.

    next_value: V of the state that actually followed. terminated: 1.0 where it must not be used. over: 1.0 at the end
    of a cycle, terminal or truncated, where the sum over later steps stops.
    """
    delta = reward + discount * (1.0 - terminated) * next_value - value

    def back(later: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        advantage = now[0] + discount * decay * (1.0 - now[1]) * later
        return advantage, advantage

    return jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, over), reverse=True)[1]


def clipped_surrogate(
    log_prob: Float[jax.Array, " B"],
    old_log_prob: Float[jax.Array, " B"],
    advantage: Float[jax.Array, " B"],
    clip: Scalar,
) -> Float[jax.Array, ""]:
    """PPO's clipped objective, negated so that it is minimised. Raises `ValueError` unless all shapes are one (B,)."""
    if not log_prob.shape == old_log_prob.shape == advantage.shape or log_prob.ndim != 1:
        raise ValueError(f"expected one shape (B,), got {log_prob.shape}, {old_log_prob.shape}, {advantage.shape}")
    ratio = jnp.exp(log_prob - old_log_prob)
    return -jnp.mean(jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage))


class Ppo(eqx.Module):
    """The algorithm for one environment and one choice of settings."""

    environment: DTSync
    settings: PpoSettings = eqx.field(static=True)
    warmup_steps: int = eqx.field(static=True, default=0)

    @property
    def slots_per_step(self) -> int:
        """Environment slots that one `step` (a rollout and its updates) consumes."""
        return self.settings.rollout_slots

    @property
    def reward_scale(self) -> float:
        """Factor by which the reward (22) is scaled for the learner."""
        return self.settings.reward_factor(self.environment.scenario.device_count)

    def init(self, key: Key) -> PpoState:
        """State before the first slot."""
        settings, face = self.settings, self.settings.interface
        sizes = {
            "devices": self.environment.scenario.device_count,
            "features": face.features,
            "hidden": settings.hidden,
            "initial": settings.initial_weights,
        }
        network = Network(stream(key, "actor"), settings.architecture, outputs=face.decisions, **sizes)
        # With an explicit dtype: otherwise the first update would change it and trigger a recompilation.
        actor = Actor(network, jnp.full(face.decisions, settings.initial_log_std, jnp.float32))
        value = Critic(stream(key, "critics"), settings.architecture, decisions=0, **sizes)
        optimiser: Any = self._optimiser()
        learned = PpoLearned(actor, value, optimiser.init((actor, value)))
        keys = jax.random.split(stream(key, "cycles"), settings.parallel_slots)
        environment, observation = jax.vmap(self.environment.reset)(keys)
        return PpoState(learned, environment, observation, stream(key, "training"))

    def warm_up(self, state: PpoState, step: jax.Array) -> tuple[PpoState, Stats]:
        """Same as `step`: PPO has no warm-up."""
        return self.step(state, step)

    def step(self, state: PpoState, step: jax.Array) -> tuple[PpoState, Stats]:
        """One rollout and the passes over it."""
        key = jax.random.fold_in(state.key, step)
        settings = self.settings
        state, rollout = self._collect(stream(key, "explore"), state)
        advantage = generalised_advantage(
            rollout.reward, rollout.value, rollout.next_value, rollout.terminated, rollout.over,
            settings.discount, settings.gae_decay,
        )  # fmt: skip
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (rollout, advantage, advantage + rollout.value))
        per_pass = settings.rollout_slots // settings.batch_size

        def one_pass(learned: PpoLearned, key: Key):
            order = jax.random.permutation(key, settings.rollout_slots).reshape(per_pass, settings.batch_size)
            batches = jax.tree.map(lambda x: x[order], flat)
            return jax.lax.scan(lambda now, batch: self.update(now, *batch), learned, batches)

        keys = jax.random.split(stream(key, "passes"), settings.passes)
        learned, losses = jax.lax.scan(one_pass, state.learned, keys)
        entropy = jnp.mean(learned.actor.log_std) + 0.5 * jnp.log(2 * jnp.pi * jnp.e)
        stats = Stats(
            jnp.mean(rollout.reward) / self.reward_scale, jnp.mean(losses),
            entropy * self.environment.action_size, jnp.asarray(jnp.nan),
            jnp.mean(jnp.abs(rollout.value)), jnp.max(jnp.abs(rollout.reward)), jnp.asarray(0.0),
        )  # fmt: skip
        return state._replace(learned=learned), stats

    def update(
        self, learned: PpoLearned, batch: Rollout, advantage: Float[jax.Array, " B"], target: Float[jax.Array, " B"]
    ) -> tuple[PpoLearned, jax.Array]:
        """One gradient step on a mini-batch; returns the new weights and the value loss before it."""
        centred = (advantage - jnp.mean(advantage)) / (jnp.std(advantage) + 1e-8)

        def loss(weights: tuple[Actor, Critic]) -> tuple[jax.Array, jax.Array]:
            actor, value = weights
            log_prob = self._log_prob(actor, batch.observation, batch.action)
            fit = jnp.mean(0.5 * (value(batch.observation) - target) ** 2)
            policy = clipped_surrogate(log_prob, batch.log_prob, centred, self.settings.clip)
            return policy + 2.0 * self.settings.value_weight * fit, fit

        weights = (learned.actor, learned.value)
        slope, fit = jax.grad(loss, has_aux=True)(weights)
        (actor, value), moments = descend(self._optimiser(), slope, learned.moments, weights)
        return PpoLearned(actor, value, moments), fit

    def policy(self, state: PpoState) -> Policy:
        """The deterministic policy of a state."""
        count = self.environment.scenario.device_count
        return Policy(state.learned.actor.network, self.settings.interface, "clip", count)

    def _optimiser(self) -> optax.GradientTransformation:
        settings = self.settings
        rollouts = -(-settings.slots // settings.rollout_slots)
        rate = falling_rate(settings, rollouts * settings.passes * (settings.rollout_slots // settings.batch_size))
        return optax.chain(optax.clip_by_global_norm(settings.gradient_clip), optax.adam(rate, eps=1e-5))

    def _spread(self, actor: Actor) -> jax.Array:
        return jnp.repeat(actor.log_std, self.environment.scenario.device_count)

    def _log_prob(self, actor: Actor, observation: jax.Array, action: jax.Array) -> jax.Array:
        return normal_log_prob(action, actor.network(observation), self._spread(actor))

    def _collect(self, key: Key, state: PpoState) -> tuple[PpoState, Rollout]:
        settings, learned = self.settings, state.learned

        def one(carry, key: Key):
            environment, observation = carry
            mean = learned.actor.network(observation)
            action = mean + jnp.exp(self._spread(learned.actor)) * jax.random.normal(key, mean.shape)
            result, following = jax.vmap(self.environment.step_autoreset)(environment, action)
            over = jnp.logical_or(result.terminated, result.truncated)
            row = Rollout(
                observation, action, self._log_prob(learned.actor, observation, action),
                result.reward * self.reward_scale, learned.value(observation), learned.value(following),
                result.terminated.astype(jnp.float32), over.astype(jnp.float32),
            )  # fmt: skip
            return (result.state, result.observation), row

        keys = jax.random.split(key, settings.rollout_slots // settings.parallel_slots)
        (environment, observation), rollout = jax.lax.scan(one, (state.environment, state.observation), keys)
        return state._replace(environment=environment, observation=observation), rollout
