"""Section III-A: initial positions and the Gauss-Markov walk between slots."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from twinsync.arrays import Array, Float, Key, Scalar
from twinsync.scenario import Scenario
from twinsync.streams import Dice, normal_of

_PLACE, _HEADING, _WALK = range(3)  # roles of the throws


class Motion(eqx.Module):
    """State of the walk of K UDs.

    position_m: x and y [m]. speed_m_s: v_k >= 0 [m/s]. direction_rad: theta_k [rad]. mean_direction_rad: the direction
    that the recursion reverts to, drawn once per UD and cycle [rad].
    """

    position_m: Float[Array, "*b K 2"]
    speed_m_s: Float[Array, "*b K"]
    direction_rad: Float[Array, "*b K"]
    mean_direction_rad: Float[Array, "*b K"]


def start_motion(key: Key, scenario: Scenario) -> Motion:
    """Motion in a cycle's first slot: positions uniform by area in the start circle, mean speed, mean direction."""
    return place(Dice.of(key, scenario.device_count), scenario)


def place(dice: Dice, scenario: Scenario) -> Motion:
    """`start_motion`, one UD per die of `dice` [*b]."""
    radius_draw, angle_draw = dice.throw(_PLACE)
    heading_draw, _ = dice.throw(_HEADING)
    radius = scenario.start_radius_m * jnp.sqrt(radius_draw)
    angle = 2 * jnp.pi * angle_draw
    x = scenario.start_x_m + radius * jnp.cos(angle)
    y = scenario.start_y_m + radius * jnp.sin(angle)
    heading = 2 * jnp.pi * heading_draw
    speed = scenario.speed_mean_m_s * jnp.ones_like(heading)
    return Motion(jnp.stack([x, y], axis=-1), speed, heading, heading)


def advance_position(
    position_m: Float[Array, "*b K 2"],
    speed_m_s: Float[Array, "*b K"],
    direction_rad: Float[Array, "*b K"],
    slot_s: Scalar,
) -> Float[Array, "*b K 2"]:
    """Position in the next slot, eqs. (1) and (2) [m]. The paper prints cos in both equations; y needs sin."""
    heading = jnp.stack([jnp.cos(direction_rad), jnp.sin(direction_rad)], axis=-1)
    return position_m + (speed_m_s * slot_s)[..., None] * heading


def gauss_markov(
    value: Float[Array, "*b K"],
    mean: Float[Array, "*b K"] | Scalar,
    std: Scalar,
    memory: Scalar,
    noise: Float[Array, "*b K"],
) -> Float[Array, "*b K"]:
    """One step of the Gauss-Markov recursion a v + (1 - a) mean + sqrt(1 - a^2) std w; w standard normal."""
    return memory * value + (1 - memory) * mean + jnp.sqrt(1 - memory**2) * std * noise


def advance_motion(key: Key, motion: Motion, scenario: Scenario, n: Array | int = 0) -> Motion:
    """Motion in slot n + 1 of the cycle of `key`, given `motion` in slot n.

    Moves by (1) and (2), reflects at the disc's edge if `boundary = reflect`, then updates speed and direction.
    """
    return move(Dice.of(key, scenario.device_count), motion, scenario, n)


def move(dice: Dice, motion: Motion, scenario: Scenario, n: Array | int) -> Motion:
    """`advance_motion`, one UD per die of `dice` [*b]."""
    position = advance_position(motion.position_m, motion.speed_m_s, motion.direction_rad, scenario.slot_s)
    direction, mean_direction = motion.direction_rad, motion.mean_direction_rad
    if scenario.boundary == "reflect":
        position, turn = _reflect(position, scenario)
        direction, mean_direction = turn(direction), turn(mean_direction)
    noise = [normal_of(draw) for draw in dice.throw(_WALK, n)]
    memory = scenario.speed_memory
    speed = gauss_markov(motion.speed_m_s, scenario.speed_mean_m_s, scenario.speed_std_m_s, memory, noise[0])
    direction = gauss_markov(direction, mean_direction, scenario.direction_std_rad, memory, noise[1])
    return Motion(position, jnp.maximum(speed, 0.0), direction, mean_direction)


def _reflect(position: Float[Array, "*b K 2"], scenario: Scenario):
    """Positions reflected back into the walkable disc, and a function that mirrors directions about the edge's tangent.

    The function changes only the directions of UDs that crossed the edge.
    """
    centre = jnp.stack([jnp.asarray(scenario.start_x_m), jnp.asarray(scenario.start_y_m)]).astype(position.dtype)
    offset = position - centre
    radius = jnp.sqrt(jnp.sum(offset**2, axis=-1))
    crossed = radius > scenario.area_radius_m
    # Beyond two radii the fold would pass the centre; clipping there keeps the UD inside.
    folded = jnp.clip(2 * scenario.area_radius_m - radius, 0.0, scenario.area_radius_m)
    scale = jnp.where(crossed, folded / jnp.maximum(radius, 1e-9), 1.0)
    normal = jnp.arctan2(offset[..., 1], offset[..., 0])

    def turn(angle: Float[Array, "*b K"]) -> Float[Array, "*b K"]:
        return jnp.where(crossed, 2 * normal + jnp.pi - angle, angle)

    return centre + scale[..., None] * offset, turn
