"""Values of the learners' settings: checked, and read from `key=value` texts."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, get_args, get_origin, get_type_hints

from twinsync.errors import InputError
from twinsync.learning.settings import Settings
from twinsync.suggest import did_you_mean


def check_settings(settings: Settings) -> None:
    """Raise `InputError` that names the first setting that is out of range, or settings that do not fit together."""
    for name, kind in get_type_hints(type(settings)).items():
        _check_one(name, kind, getattr(settings, name))
    if not settings.hidden or min(settings.hidden) < 1:
        raise InputError(f"hidden = {settings.hidden} must be one or more positive widths")
    settings.check()


def _check_one(name: str, kind: Any, value: Any) -> None:
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise InputError(f"{name} = {value!r} is not one of {', '.join(get_args(kind))}")
    least = 0 if name == "warmup_slots" else 1
    if kind is int and value < least:
        raise InputError(f"{name} = {value} must be at least {least}")
    if kind is not float:
        return
    if not math.isfinite(value):
        raise InputError(f"{name} = {value} must be a finite number")
    if name == "discount" and not 0.0 <= value < 1.0:
        raise InputError(f"{name} = {value} must lie in [0, 1)")
    if name in ("gae_decay", "learning_rate_end") and not 0.0 <= value <= 1.0:
        raise InputError(f"{name} = {value} must lie in [0, 1]")
    if name == "target_rate" and not 0.0 < value <= 1.0:
        raise InputError(f"{name} = {value} must lie in (0, 1]")
    if name in ("learning_rate", "initial_alpha", "clip", "gradient_clip") and not value > 0.0:
        raise InputError(f"{name} = {value} must be above 0")
    if name in ("value_weight", "saturation", "entropy_drop") and value < 0.0:
        raise InputError(f"{name} = {value} must not be below 0")


def override(settings: Settings, items: dict[str, str]) -> Settings:
    """Settings with `key=value` texts applied. Raises `InputError` for an unknown key or an impossible value."""
    known = {item.name: item for item in dataclasses.fields(settings)}
    kinds, changes = get_type_hints(type(settings)), {}
    for key, text in items.items():
        if key not in known:
            hint = did_you_mean(key, known)
            raise InputError(f"unknown learning setting {key!r}{hint}; known: {', '.join(sorted(known))}")
        changes[key] = _parse(key, text, getattr(settings, key))
        _check_one(key, kinds[key], changes[key])
    changed = dataclasses.replace(settings, **changes)
    check_settings(changed)
    return changed


def _parse(key: str, text: str, present: Any) -> Any:
    try:
        if isinstance(present, tuple):
            return tuple(int(part) for part in text.split(","))
        return type(present)(text)
    except ValueError:
        kind = "widths such as 64,64" if isinstance(present, tuple) else type(present).__name__
        raise InputError(f"{key} = {text!r}: expected {kind}") from None
