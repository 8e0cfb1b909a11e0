"""The page that sets each equation of the paper beside its function: nothing left out, nothing that isn't there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "paper.md").read_text("utf-8")
SECTIONS = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]
LINK = re.compile(r"\[`([\w.]+)`\]\[(twinsync[\w.]+)\]")

LAST_EQUATION = 29
CONSTRAINTS = "abcdefgh"  # of (19)


def numbers(heading: str) -> list[str]:
    """Equation numbers that a heading speaks of; "(19b) to (19h)" are seven."""
    if span := re.search(r"\((\d+)([a-z])\) to \(\1([a-z])\)", heading):
        return [f"{span[1]}{letter}" for letter in CONSTRAINTS if span[2] <= letter <= span[3]]
    return re.findall(r"\((\d+[a-z]?)\)", heading)


def resolve(name: str) -> Any:
    """The object of a dotted name; fails where there is none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def test_every_equation_has_its_section() -> None:
    told = sorted(number for section in SECTIONS for number in numbers(section.splitlines()[0]))
    printed = [str(n) for n in range(1, LAST_EQUATION + 1) if n != 19] + [f"19{letter}" for letter in CONSTRAINTS]
    assert told == sorted(printed)


@pytest.mark.parametrize("section", [s for s in SECTIONS if numbers(s.splitlines()[0])], ids=lambda s: s.split("\n")[0])
def test_every_equation_is_written_and_computed(section: str) -> None:
    assert section.count("$") >= 2
    assert LINK.search(section)


@pytest.mark.parametrize(("shown", "name"), sorted(set(LINK.findall(PAGE))))
def test_every_function_exists(shown: str, name: str) -> None:
    resolve(name)
    assert name.endswith(f".{shown}")
