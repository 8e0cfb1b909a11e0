"""The file of one policy: an npz archive of float32 weights and a JSON card that describes the policy."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.errors import DAMAGED, InputError
from twinsync.runtime.constants import check_constant, check_order, entering
from twinsync.runtime.encoding import group_names
from twinsync.runtime.policy import Layer, RuntimePolicy

FORMAT, VERSION = "twinsync policy", 1
OPTIONS = {
    "observation": ("paper", "csi"),
    "edge_cpu": ("requests", "shares"),
    "extraction": ("chosen", "none", "random"),
    "encoding": ("affine", "unscaled", "physical"),
}
ARCHITECTURES, SQUASHES = ("flat", "set"), ("tanh", "clip")
_AGAIN = "export it again"


def load_policy(path: str | Path) -> RuntimePolicy:
    """The policy in a file written by `twinsync export RUN_DIR --out FILE.npz`. Raises `InputError` for any other."""
    path = Path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
            card = json.loads(str(arrays.pop("card")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; write it with `twinsync export RUN_DIR --out {path}`") from None
    except DAMAGED as error:
        raise InputError(f"{path}: not a complete policy file ({error}); {_AGAIN}") from None
    if "leaf_0" in arrays:
        raise InputError(f"{path}: a training run's own file; write one policy with `twinsync export {path.parent}`")
    with _of_file(path):
        check_card(card)
        return policy_of(card, arrays)


def parse_card(path: Path, text: str) -> Mapping[str, Any]:
    """The card of a policy in a file of another format. Raises `InputError` that names the file."""
    try:
        card = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: its card is not valid JSON ({error}); {_AGAIN}") from None
    with _of_file(path):
        check_card(card)
    return card


@contextmanager
def _of_file(path: Path) -> Iterator[None]:
    """Name the file in whatever a wrong card raises, as an `InputError`."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: missing or wrong in its card: {error}; {_AGAIN}") from None


def check_card(card: Any) -> None:
    """Raise what `policy_of` raises if the card's format, interface, network or number of devices is wrong."""
    if not isinstance(card, dict) or card.get("format") != FORMAT or card.get("format_version") != VERSION:
        found = (card.get("format"), card.get("format_version")) if isinstance(card, dict) else card
        raise InputError(f"format {found!r}, this version reads {(FORMAT, VERSION)!r}; {_AGAIN}")
    for name, choices in OPTIONS.items():
        if card["interface"][name] not in choices:
            raise InputError(f"{name} = {card['interface'][name]!r} is not one of {', '.join(choices)}; {_AGAIN}")
    for name, choices in (("architecture", ARCHITECTURES), ("squash", SQUASHES)):
        if card[name] not in choices:
            raise InputError(f"{name} = {card[name]!r} is not one of {', '.join(choices)}; {_AGAIN}")
    count = card["device_count"]
    if not isinstance(count, int) and not (count == "any" and card["architecture"] == "set"):
        raise InputError(
            f"device_count = {count!r} is neither a number of devices nor, for a set network, any; {_AGAIN}"
        )
    if not isinstance(card["scenario"]["device_count"], int):
        raise InputError(f"scenario: device_count = {card['scenario']['device_count']!r} is not a number; {_AGAIN}")


def policy_of(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> RuntimePolicy:
    """The policy that a card which passed `check_card` and the arrays of its network describe.

    Raises `InputError` if they do not fit each other, and `KeyError`, `TypeError`, `ValueError` or `AttributeError` for
    a malformed card.
    """
    interface = card["interface"]
    values = {name: check_constant(name, card["scenario"][name]) for name in entering(interface)}
    check_order(values)
    for name, (low, high) in card.get("ranges", {}).items():
        if name not in group_names(interface) or not float(low) <= float(high):
            raise InputError(f"range of {name!r} from {low} to {high}: not of this policy; {_AGAIN}")
    _check_arrays(card, arrays)
    layers = [
        Layer(arrays[f"weight_{i}"], arrays[f"bias_{i}"], arrays.get(f"pooled_{i}"))
        for i in range(len(card["hidden"]) + 1)
    ]
    return RuntimePolicy(card, tuple(layers), arrays.get("centre"), arrays.get("spread"), values)


def _check_arrays(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    shapes = array_shapes(card)
    found = {name: array.shape for name, array in arrays.items()}
    if {name: shapes.get(name) for name in found} != found or set(shapes) - set(found) - {"centre", "spread"}:
        raise InputError(f"weights do not fit the card in the same file; {_AGAIN}")
    if ("centre" in found) != ("spread" in found):
        raise InputError(f"centre and spread must be given together; {_AGAIN}")
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise InputError(f"{name} is not all finite float32 numbers: the training diverged or the file is damaged")


def array_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays that a card requires; only `centre` and `spread` may be absent."""
    flat, features = card["architecture"] == "flat", len(group_names(card["interface"]))
    decisions = 4 if card["interface"]["extraction"] == "chosen" else 3
    times = int(card["device_count"]) if flat else 1
    sizes = [features * times, *(int(width) for width in card["hidden"]), decisions * times]
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        shapes |= {f"weight_{i}": (inputs, outputs), f"bias_{i}": (outputs,)}
        if not flat and i < len(sizes) - 2:
            shapes[f"pooled_{i}"] = (inputs, outputs)
    return shapes if flat else {**shapes, "centre": (features,), "spread": (features,)}


def policy_bytes(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of the file for a card and its arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, card=np.asarray(json.dumps(card, allow_nan=False)), **arrays)
    return buffer.getvalue()
