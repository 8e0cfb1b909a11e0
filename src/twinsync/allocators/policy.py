"""Trained policies as allocators, and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.networks import Architecture, Network
from twinsync.arrays import Array, Float, Key
from twinsync.environment.interface import Interface, Sight, draw_phi, observe, to_allocation
from twinsync.errors import DAMAGED, InputError
from twinsync.model.slot import Allocation
from twinsync.scenario import Scenario
from twinsync.streams import root_key
from twinsync.writing import whole_file

FILE_FORMAT = 1
FILE_NAME = "policy.npz"

Squash = Literal["tanh", "clip"]


class Policy(eqx.Module):
    """A deterministic policy: the network's mean action, squashed into [-1, 1] and mapped to an allocation.

    It is an allocator: call it with (scenario, sight, key). The network runs in float32; the allocation has the dtype
    of the observation.
    """

    network: Network
    interface: Interface = eqx.field(static=True)
    squash: Squash = eqx.field(static=True)
    device_count: int = eqx.field(static=True)

    @property
    def observation(self) -> str:
        """What it observes: `paper` or `csi`."""
        return self.interface.observation

    def action(self, observation: Float[Array, "*b F"]) -> Float[Array, "*b A"]:
        """Action vectors in [-1, 1] for observation vectors."""
        out = self.network(observation)
        mean = out[..., : self.interface.decisions * (observation.shape[-1] // self.interface.features)]
        return jnp.tanh(mean) if self.squash == "tanh" else jnp.clip(mean, -1.0, 1.0)

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch; with random extraction, phi is drawn from `key`.

        Raises `InputError` if a flat network was trained for another number of devices.
        """
        if self.network.architecture == "flat" and scenario.device_count != self.device_count:
            raise InputError(
                f"this policy was trained for device_count = {self.device_count}, the scenario has "
                f"{scenario.device_count}; train one for it, or use a set network"
            )
        return _decide(self, scenario, sight, key)


@jax.jit
def _decide(policy: Policy, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
    shape = jnp.shape(sight.data_bits)
    given = draw_phi(key, scenario, shape) if policy.interface.extraction == "random" else None
    vector = observe(policy.interface, scenario, sight, given)
    action = policy.action(vector.astype(jnp.float32)).astype(vector.dtype)
    return to_allocation(policy.interface, scenario, action, given)


def blank_policy(card: dict[str, Any], key: Key | None = None) -> Policy:
    """A policy with the shapes that a card describes and random weights, to be replaced by those of a file.

    Raises `KeyError` or `TypeError` for a card that lacks an entry.
    """
    interface = Interface(**card["interface"])
    architecture: Architecture = card["architecture"]
    network = Network(
        root_key(0) if key is None else key,
        architecture,
        devices=card["device_count"],
        features=interface.features,
        outputs=card["outputs"],
        hidden=tuple(card["hidden"]),
        # Older cards lack the entry; then exactly the gradient's policies, with physical inputs, are standardised.
        standardised=card.get("standardised", interface.encoding == "physical"),
    )
    return Policy(network, interface, card["squash"], card["device_count"])


def save_policies(path: Path, policies: Policy | list[np.ndarray], card: dict[str, Any]) -> None:
    """Write the policies of S training seeds (or their leaves), stacked [S, ...], and their card to one npz file."""
    leaves = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(policies))}
    text = json.dumps({"format": FILE_FORMAT, **card})
    with whole_file(path) as partial:
        np.savez(partial, allow_pickle=False, card=np.asarray(text), **leaves)


def read_card(path: Path) -> dict[str, Any]:
    """The card of a policy file. Raises `InputError` for a missing, damaged or other file."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Card and stacked weights of a file. Raises `InputError`."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            card = json.loads(str(archive["card"]))
            arrays = [archive[f"leaf_{i}"] for i in range(len(archive.files) - 1)]
    except FileNotFoundError:
        raise InputError(f"{path}: no such policy file; train one with `twinsync train --out {path.parent}`") from None
    except DAMAGED as error:
        raise InputError(f"{path}: not a complete policy file ({error}); train again with --resume") from None
    if not isinstance(card, dict) or card.get("format") != FILE_FORMAT:
        version = card.get("format") if isinstance(card, dict) else card
        raise InputError(f"{path}: policy format {version!r}, this version reads {FILE_FORMAT}; train again")
    return card, arrays


def load_policies(path: Path) -> list[Policy]:
    """The policies of a file, one per training seed. Raises `InputError` for a missing, damaged or other file."""
    card, arrays = _read(path)
    try:
        blank = blank_policy(card)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: missing or wrong in its card: {error}; train again") from None
    except InputError as error:
        raise InputError(f"{path}: {error}; train again") from None
    shapes, structure = jax.tree.flatten(blank)
    if len(shapes) != len(arrays) or any(a.shape[1:] != b.shape for a, b in zip(arrays, shapes, strict=True)):
        raise InputError(f"{path}: weights do not fit the card in the same file; train again")
    count = arrays[0].shape[0]
    return [jax.tree.unflatten(structure, [jnp.asarray(array[s]) for array in arrays]) for s in range(count)]
