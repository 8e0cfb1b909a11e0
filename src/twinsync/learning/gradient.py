"""Training by the gradient of the expected cost itself, through the differentiable simulator.

No action changes a later slot and the simulator is differentiable, so no critic is needed: the policy's expected cost
is the mean of `slot_outcome` over fresh slots, and its gradient is exact up to sampling error. The fading is drawn in
strata, which makes that error small. The interface to `training` is the same as that of `sac` and `ppo`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from twinsync.allocators.heuristics import EqualShare
from twinsync.allocators.networks import Network, by_device
from twinsync.allocators.policy import Policy
from twinsync.arrays import Array, Float, Key
from twinsync.environment.dtsync import DTSync
from twinsync.environment.interface import draw_phi, observe, see, to_allocation
from twinsync.learning.algorithm import Stats, descend, falling_rate
from twinsync.learning.ranges import draw_scenario
from twinsync.learning.settings import GradientSettings
from twinsync.model import Slot, draw_cycle, slot_outcome
from twinsync.model.channel import block_gain, path_gain, stratified_fading
from twinsync.quantity import PHYSICAL
from twinsync.scenario import Scenario
from twinsync.streams import stream

# Beyond this output the slope of tanh is below 1 %, so an early step that goes too far would never be reversed.
SATURATED = 3.0


class GradientState(NamedTuple):
    """The complete training state of one seed."""

    network: Network
    moments: optax.OptState
    key: Key


class Gradient(eqx.Module):
    """The algorithm for one environment and one choice of settings."""

    environment: DTSync
    settings: GradientSettings = eqx.field(static=True)
    warmup_steps: int = eqx.field(static=True, default=0)

    @property
    def slots_per_step(self) -> int:
        """Slots drawn by one `step`, in whole cycles."""
        return self._cycles * self.environment.scenario.slot_count

    def init(self, key: Key) -> GradientState:
        """State before the first slot; the network's inputs are standardised over a sample of the training slots."""
        settings, face = self.settings, self.settings.interface
        network = Network(
            stream(key, "network"), "set", devices=self.environment.scenario.device_count,
            features=face.features, outputs=face.decisions, hidden=settings.hidden, standardised=True,
        )  # fmt: skip
        seen = self.seen(stream(key, "standardise"))
        spread = jnp.std(seen, axis=0)
        network = eqx.tree_at(
            lambda net: (net.centre, net.spread),
            network,
            # An input that never changes carries no information; it is 0 after centring.
            (jnp.mean(seen, axis=0), jnp.where(spread < 1e-3, 1.0, spread)),
        )
        optimiser: Any = self._optimiser()
        return GradientState(network, optimiser.init(network), stream(key, "training"))

    def warm_up(self, state: GradientState, step: jax.Array) -> tuple[GradientState, Stats]:
        """Same as `step`: there is no warm-up."""
        return self.step(state, step)

    def step(self, state: GradientState, step: jax.Array) -> tuple[GradientState, Stats]:
        """One update on fresh cycles."""
        key = jax.random.fold_in(state.key, step)
        (_, cost), slope = jax.value_and_grad(self._loss, has_aux=True)(state.network, key)
        network, moments = descend(self._optimiser(), slope, state.moments, state.network)
        nothing = jnp.asarray(jnp.nan)
        return GradientState(network, moments, state.key), Stats(-cost, nothing, nothing, nothing)

    def policy(self, state: GradientState) -> Policy:
        """The deterministic policy of a state."""
        return Policy(state.network, self.settings.interface, "tanh", self.environment.scenario.device_count)

    def seen(self, key: Key, cycles: int = 64) -> Float[jax.Array, "n F"]:
        """Observations of fresh slots as in training: one row of F features per device and slot."""
        vector = jax.vmap(lambda k: self._meet(k)[2])(jax.random.split(key, cycles))
        features = self.settings.interface.features
        return by_device(vector, features).reshape(-1, features)

    def ranges(self, key: Key) -> dict[str, list[float]]:
        """[minimum, maximum] of each input over a sample of the training slots, for the policy's card."""
        seen = np.asarray(_seen(self, key), np.float64)
        names = (*PHYSICAL, "given phi")
        return {names[i]: [float(column.min()), float(column.max())] for i, column in enumerate(seen.T)}

    @property
    def _cycles(self) -> int:
        return max(1, round(self.settings.batch_size / self.environment.scenario.slot_count))

    def _meet(self, key: Key) -> tuple[Scenario, Slot, Float[jax.Array, "*b FK"], Any]:
        """Draw a scenario and a cycle with M = `fading_draws` fadings per slot.

        Returns the scenario, the slots [M, N, K], the observation, and the given phi (None unless it is random).
        """
        face, draws = self.settings.interface, self.settings.fading_draws
        scenario = draw_scenario(stream(key, "scenario"), self.environment.scenario, self.settings.ranges)
        cycle = draw_cycle(stream(key, "cycle"), scenario)
        fading = stratified_fading(stream(key, "fading"), cycle.block_gain.shape, draws)
        distance, data = (jnp.broadcast_to(x, (draws, *x.shape)) for x in (cycle.distance_m, cycle.data_bits))
        slot = Slot(distance, data, block_gain(distance, fading, scenario))
        shown = slot if face.observation == "csi" else cycle
        phi = None
        if face.extraction == "random":
            phi = jnp.broadcast_to(draw_phi(stream(key, "phi"), scenario, data.shape[1:]), shown.data_bits.shape)
        return scenario, slot, observe(face, scenario, see(shown, face.observation), phi), phi

    def _cost(self, network: Network, key: Key) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
        """Mean cost of a fresh cycle, its unit, and the mean squared excess of outputs beyond `SATURATED`.

        The unit is the mean T[n] of equal shares without fading; with the drawn fading, slots in bad channels would
        have less weight.
        """
        scenario, slot, vector, phi = self._meet(key)
        output = network(vector)
        allocation = to_allocation(self.settings.interface, scenario, jnp.tanh(output), phi)
        allocation = jax.tree.map(lambda x: jnp.broadcast_to(x, slot.data_bits.shape), allocation)
        outcome = slot_outcome(scenario, slot, allocation)
        distance, data = slot.distance_m[0], slot.data_bits[0]
        still = Slot(distance, data, path_gain(distance, scenario)[..., None])
        plain = slot_outcome(scenario, still, EqualShare()(scenario, see(still, "paper"), key))
        beyond = jnp.mean(jnp.maximum(jnp.abs(output) - SATURATED, 0.0) ** 2)
        return jnp.mean(outcome.cost), jnp.mean(plain.total_latency_s), beyond

    def _loss(self, network: Network, key: Key) -> tuple[jax.Array, jax.Array]:
        """The cost in units of equal shares' latency, so that all scenarios weigh alike; and the plain cost."""
        cost, unit, beyond = jax.vmap(lambda k: self._cost(network, k))(jax.random.split(key, self._cycles))
        if self.settings.ranges == "scenario":  # one common unit: cycles weigh by their cost, as in the evaluation
            unit = jnp.mean(unit)
        return jnp.mean(cost / unit) + self.settings.saturation * jnp.mean(beyond), jnp.mean(cost)

    def _optimiser(self) -> optax.GradientTransformation:
        updates = -(-self.settings.slots // self.slots_per_step)
        return optax.adam(falling_rate(self.settings, updates))


@jax.jit
def _seen(algorithm: Gradient, key: Key) -> Float[jax.Array, "n F"]:
    return algorithm.seen(key, 256)
