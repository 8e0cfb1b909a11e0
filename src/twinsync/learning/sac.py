"""Soft actor-critic, Algorithm 1, as pure functions of one seed's state; `training` runs them for all seeds."""

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
from twinsync.learning.losses import (
    LOG_STD_BOUNDS,
    actor_loss,
    bellman_target,
    critic_loss,
    tanh_normal_sample,
    temperature_loss,
)
from twinsync.learning.replay import Replay, Transition, empty_replay, sample, write
from twinsync.learning.settings import SacSettings
from twinsync.streams import fold, stream


class Learned(NamedTuple):
    """Everything that gradient steps change, and the target critics."""

    actor: Network
    critics: Critic  # C = 1 or 2, leaves stacked [C, ...]
    targets: Critic
    log_alpha: jax.Array
    actor_moments: optax.OptState
    critic_moments: optax.OptState
    alpha_moments: optax.OptState


class SacState(NamedTuple):
    """The complete training state of one seed."""

    learned: Learned
    replay: Replay
    environment: EnvState  # leaves stacked [P, ...]
    observation: Float[jax.Array, "P F"]
    key: Key


class Sac(eqx.Module):
    """The algorithm for one environment and one choice of settings."""

    environment: DTSync
    settings: SacSettings = eqx.field(static=True)

    @property
    def slots_per_step(self) -> int:
        """Environment slots that one `step` consumes."""
        return self.settings.parallel_slots

    @property
    def warmup_steps(self) -> int:
        """Steps with uniform actions and without updates."""
        return -(-self.settings.warmup_slots // self.settings.parallel_slots)

    @property
    def reward_scale(self) -> float:
        """Factor by which the reward (22) is scaled for the critic."""
        return self.settings.reward_factor(self.environment.scenario.device_count)

    def target_entropy(self, number: jax.Array | int) -> Scalar:
        """Target entropy H_0 of eq. (28) at update `number`, counted from 0 [nat]."""
        settings = self.settings
        fallen = settings.entropy_drop * (number / self._updates)
        return (settings.entropy_per_decision - fallen) * self.environment.action_size

    def init(self, key: Key) -> SacState:
        """State before the first slot."""
        settings, face = self.settings, self.settings.interface
        sizes = {
            "devices": self.environment.scenario.device_count,
            "features": face.features,
            "hidden": settings.hidden,
            "initial": settings.initial_weights,
        }
        actor = Network(stream(key, "actor"), settings.architecture, outputs=2 * face.decisions, **sizes)
        keys = jax.random.split(stream(key, "critics"), settings.critics)
        about = {"decisions": face.decisions, "activation": settings.critic_activation}
        critics = jax.vmap(lambda k: Critic(k, settings.architecture, **about, **sizes))(keys)
        log_alpha = jnp.log(jnp.asarray(settings.initial_alpha, jnp.float32))
        adam: Any = self._adam()
        learned = Learned(
            actor, critics, critics, log_alpha, adam.init(actor), adam.init(critics), adam.init(log_alpha)
        )
        copies = settings.parallel_slots
        environment, observation = jax.vmap(self.environment.reset)(jax.random.split(stream(key, "cycles"), copies))
        # The capacity must be a multiple of the block, see `replay.write`.
        blocks = -(-min(settings.buffer_size, settings.slots) // copies)
        parts = (self.environment.scenario.device_count,) if self._parts else ()
        replay = empty_replay(blocks * copies, self.environment.observation_size, self.environment.action_size, parts)
        return SacState(learned, replay, environment, observation, stream(key, "training"))

    def warm_up(self, state: SacState, step: jax.Array) -> tuple[SacState, Stats]:
        """One parallel step with uniform actions and without an update."""
        key = fold(state.key, step)
        shape = (self.settings.parallel_slots, self.environment.action_size)
        action = jax.random.uniform(stream(key, "explore"), shape, minval=-1.0, maxval=1.0)
        state, reward, largest = self._collect(state, action, step)
        nothing = jnp.asarray(jnp.nan)
        return state, Stats(reward, nothing, nothing, jnp.exp(state.learned.log_alpha), largest_reward=largest)

    def step(self, state: SacState, step: jax.Array) -> tuple[SacState, Stats]:
        """One parallel step of the policy and the updates after it (Algorithm 1, lines 4 to 11)."""
        key = fold(state.key, step)
        action, _ = self._act(stream(key, "explore"), state.learned.actor, state.observation)
        state, reward, largest = self._collect(state, action, step)
        written = (step + 1) * self.settings.parallel_slots
        done = (step - self.warmup_steps) * self.settings.updates_per_step

        def once(learned: Learned, i: jax.Array):
            return self.learn(fold(stream(key, "update"), i), learned, state.replay, written, done + i)

        numbers = jnp.arange(self.settings.updates_per_step)
        learned, (loss, entropy, alpha, size) = jax.lax.scan(once, state.learned, numbers)
        stats = Stats(
            reward, jnp.mean(loss), jnp.mean(entropy), jnp.mean(alpha), jnp.mean(size),
            largest, jnp.max(alpha * jnp.abs(entropy)),
        )  # fmt: skip
        return state._replace(learned=learned), stats

    def learn(self, key: Key, learned: Learned, replay: Replay, written: jax.Array, number: jax.Array):
        """`update` with a mini-batch of the rows written so far."""
        batch = sample(stream(key, "batch"), replay, written, self.settings.batch_size)
        return self.update(key, learned, batch, number)

    def update(self, key: Key, learned: Learned, batch: Transition, number: jax.Array):
        """One update of critics, actor and temperature with a mini-batch; `number` counts updates from 0.

        Returns the new weights and (critic loss, entropy, alpha, mean |Q| or |target|).
        """
        settings, adam = self.settings, self._adam()
        alpha = jnp.exp(learned.log_alpha)
        if settings.discount > 0:
            next_action, next_log_prob = self._act(stream(key, "next"), learned.actor, batch.following)
            # With one critic, q_next[0] and q_next[-1] are the same, and so is their minimum.
            q_next = self._values(learned.targets, batch.following, next_action)
            target = bellman_target(
                batch.reward.reshape(-1), self._each(batch.done), q_next[0], q_next[-1], self._each(next_log_prob),
                alpha, settings.discount,
            )  # fmt: skip
        else:
            target = batch.reward.reshape(-1)

        def critics_loss(critics: Critic) -> tuple[jax.Array, jax.Array]:
            q = self._values(critics, batch.observation, batch.action)
            return jnp.sum(jnp.stack([critic_loss(each, target) for each in q])), _size(q, target)

        (loss, size), slope = jax.value_and_grad(critics_loss, has_aux=True)(learned.critics)
        critics, critic_moments = descend(adam, slope, learned.critic_moments, learned.critics)
        targets = self._targets(learned.targets, critics, number)
        learned = learned._replace(critics=critics, targets=targets, critic_moments=critic_moments)
        learned, entropy = self._improve(key, learned, batch.observation, number)
        return learned, (loss, entropy, jnp.exp(learned.log_alpha), size)

    def _improve(
        self, key: Key, learned: Learned, observation: Float[jax.Array, "B F"], number: jax.Array
    ) -> tuple[Learned, jax.Array]:
        """One update of actor and temperature; also returns the policy's entropy before it [nat]."""
        adam, alpha = self._adam(), jnp.exp(learned.log_alpha)

        def policy_loss(actor: Network) -> tuple[jax.Array, jax.Array]:
            action, log_prob = self._act(stream(key, "actor"), actor, observation)
            q = _each_critic(learned.critics, observation, action)
            return actor_loss(log_prob, q[0], q[-1], alpha), log_prob

        slope, log_prob = jax.grad(policy_loss, has_aux=True)(learned.actor)
        actor, actor_moments = descend(adam, slope, learned.actor_moments, learned.actor)
        slope = jax.grad(temperature_loss)(learned.log_alpha, log_prob, self.target_entropy(number))
        log_alpha, alpha_moments = descend(adam, slope, learned.alpha_moments, learned.log_alpha)
        after = learned._replace(
            actor=actor, log_alpha=log_alpha, actor_moments=actor_moments, alpha_moments=alpha_moments
        )
        return after, -jnp.mean(log_prob)

    def policy(self, state: SacState) -> Policy:
        """The deterministic policy of a state."""
        count = self.environment.scenario.device_count
        return Policy(state.learned.actor, self.settings.interface, "tanh", count)

    @property
    def _parts(self) -> bool:
        return self.settings.critic_reward == "devices"

    def _values(self, critics: Critic, observation: jax.Array, action: jax.Array) -> Float[jax.Array, "C N"]:
        """The values that (26) compares with targets: [C, B], or those of all devices, flattened, [C, B K]."""
        if not self._parts:
            return _each_critic(critics, observation, action)
        return jax.vmap(lambda critic: critic.parts(observation, action).reshape(-1))(critics)

    def _each(self, x: Float[jax.Array, " B"]) -> Float[jax.Array, " N"]:
        """A mini-batch's numbers [B], repeated K times each if the critic learns each device's part [B K]."""
        return jnp.repeat(x, self.environment.scenario.device_count) if self._parts else x

    @property
    def _updates(self) -> int:
        """Number of updates in the whole training."""
        settings = self.settings
        steps = -(-settings.slots // settings.parallel_slots) - self.warmup_steps
        return max(steps, 1) * settings.updates_per_step

    def _adam(self) -> optax.GradientTransformation:
        return optax.adam(falling_rate(self.settings, self._updates))

    def _targets(self, targets: Any, critics: Any, number: jax.Array) -> Any:
        if self.settings.discount == 0:
            return targets
        if self.settings.target == "soft":
            return optax.incremental_update(critics, targets, self.settings.target_rate)
        return optax.periodic_update(critics, targets, number + 1, self.settings.target_period)

    def _act(self, key: Key, actor: Network, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, log_std = jnp.split(actor(observation), 2, axis=-1)
        return tanh_normal_sample(key, mean, jnp.clip(log_std, *LOG_STD_BOUNDS))

    def _collect(self, state: SacState, action: jax.Array, step: jax.Array) -> tuple[SacState, jax.Array, jax.Array]:
        """State after a parallel step, the mean unscaled reward, and the largest |reward| in the critic's units."""
        result, following = jax.vmap(self.environment.step_autoreset)(state.environment, action)
        count = self.environment.scenario.device_count
        # Q is the mean of its parts, so each part's target is K times the device's share of the reward.
        reward = -result.outcome.device_cost * count if self._parts else result.reward
        block = Transition(
            state.observation, action, reward * self.reward_scale, following,
            result.terminated.astype(jnp.float32),
        )  # fmt: skip
        replay = write(state.replay, block, step)
        after = state._replace(replay=replay, environment=result.state, observation=result.observation)
        return after, jnp.mean(result.reward), jnp.max(jnp.abs(block.reward))


def _size(q: Float[jax.Array, "C N"], target: Float[jax.Array, " N"]) -> Float[jax.Array, ""]:
    # The targets show a diverging temperature well before the critic follows them.
    return jnp.maximum(jnp.mean(jnp.abs(q)), jnp.mean(jnp.abs(target)))


def _each_critic(critics: Critic, observation: jax.Array, action: jax.Array) -> Float[jax.Array, "C B"]:
    return jax.vmap(lambda critic: critic(observation, action))(critics)
