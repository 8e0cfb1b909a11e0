"""The study of settings and the peers: one exchange each, from what is printed and from what is repaired."""

from __future__ import annotations

import dataclasses
from typing import Any

from twinsync.experiments.schemes import BUDGETS
from twinsync.experiments.variants import BACK, CHANGES, PPO, SAC, TOWARDS, peer_variants, settings_variants
from twinsync.learning.presets import SAC_TUNED
from twinsync.learning.settings import PpoSettings, SacSettings
from twinsync.learning.validation import check_settings

PRINTED = BUDGETS["printed"]


def differing(a: Any, b: Any) -> set[str]:
    return {item.name for item in dataclasses.fields(a) if getattr(a, item.name) != getattr(b, item.name)}


def test_every_variant_can_be_trained_and_differs_by_its_change_alone():
    base = {(variant.direction, variant.role): variant.scheme.settings for variant in settings_variants(PRINTED)
            if not variant.change}  # fmt: skip
    assert base[TOWARDS, SAC] == SacSettings()
    assert base[TOWARDS, PPO] == PpoSettings()
    assert base[BACK, SAC] == dataclasses.replace(SAC_TUNED, slots=100_000)
    for variant in settings_variants(PRINTED):
        settings = variant.scheme.settings
        check_settings(settings)
        if variant.change:
            changed = differing(settings, base[variant.direction, variant.role])
            assert variant.change in changed
            together = {"hidden", "critic_reward"} if variant.change == "architecture" else set()
            assert changed <= {variant.change} | together


def test_every_scheme_has_a_name_of_its_own():
    names = [variant.scheme.name for variant in settings_variants(PRINTED)]
    assert len(set(names)) == len(names)


def test_both_directions_meet_in_what_they_exchange():
    # Whatever is put back is what was printed, and towards is what was repaired, where both have the setting.
    for change in CHANGES:
        if change.key in ("reward_scale", "encoding", "initial_weights", "cycle_end"):
            continue
        assert change.towards is not None
        assert change.back is not None
        assert change.towards[change.key] == getattr(SAC_TUNED, change.key)
        assert change.back[change.key] == getattr(SacSettings(), change.key)


def test_peers_have_the_settings_as_printed():
    variants = peer_variants(PRINTED)
    assert [variant.scheme.library for variant in variants] == ["", "sb3", "", "sb3"]
    assert {type(variant.scheme.settings) for variant in variants} == {SacSettings, PpoSettings}
    assert variants[0].scheme.settings == variants[1].scheme.settings == SacSettings()
