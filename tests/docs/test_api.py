"""The API reference covers the package."""

from __future__ import annotations

import re
from pathlib import Path

import twinsync

PAGES = Path(__file__).parents[2] / "docs" / "api"
NO_API = {"cli", "__main__", "__init__"}


def test_every_module_is_in_the_reference() -> None:
    """Submodules come with their package."""
    pages = "\n".join(page.read_text("utf-8") for page in PAGES.glob("*.md"))
    shown = re.findall(r"^::: twinsync\.(\w+)$", pages, re.MULTILINE)
    places = Path(twinsync.__file__).parent.iterdir()
    modules = {place.stem for place in places if place.suffix == ".py" or (place / "__init__.py").is_file()}
    assert sorted(shown) == sorted(modules - NO_API)
