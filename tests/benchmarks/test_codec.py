"""The codec's page is written from measured numbers, of the tables that ship."""

from __future__ import annotations

import json

import pytest
from benchmarks.codec import PAGE, PARTS, RESULTS, complaints, main
from benchmarks.codec_page import MARKED, PLACES, with_parts

RESULTS_NOW = json.loads(RESULTS.read_text("utf-8"))
PAGE_NOW = PAGE.read_text("utf-8")


def test_the_page_is_that_of_its_numbers() -> None:
    assert not list(complaints(PAGE_NOW, RESULTS_NOW))
    assert main(["--check"]) == 0
    assert sorted(found[2] for found in MARKED.finditer(PAGE_NOW)) == sorted(PLACES)


def test_a_changed_number_is_found() -> None:
    changed = json.loads(json.dumps(RESULTS_NOW))
    changed["quality"]["rows"][0]["psnr_db"] += 1
    assert with_parts(PAGE_NOW, changed) != PAGE_NOW
    assert any("not those of docs/codec.json" in line for line in complaints(PAGE_NOW, changed))


@pytest.mark.parametrize("part", [name for name in PARTS if name != "series"])
def test_a_part_of_other_tables_is_found(part: str) -> None:
    other = {**RESULTS_NOW, part: {**RESULTS_NOW[part], "tables": "none"}}
    assert any(line.startswith(f"{part} was measured with tables none") for line in complaints(PAGE_NOW, other))


def test_a_part_not_measured_is_found() -> None:
    without = {name: part for name, part in RESULTS_NOW.items() if name != "lost"}
    assert any(line.startswith("lost was not measured") for line in complaints(PAGE_NOW, without))


def test_an_unknown_part(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "qualty"])
    assert "unknown 'qualty'; give some of quality" in capsys.readouterr().err
