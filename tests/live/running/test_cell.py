"""A small cell of real processes: its edge is killed on the way, it is started again, it stops on SIGTERM."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from tests.live.cells import COMMAND, acknowledged, edge_log, finish, pids, slots, start, until, wait_for_commits

from twinsync.cli.app import run


def test_a_cell_lives_through_a_killed_edge_and_a_restart(tmp_path: Path, camera: Path) -> None:
    data = tmp_path / "cell"
    first = start(data, camera, "--headless", "--json", "-")
    wait_for_commits(data, 4)
    fill_the_disk(data)
    edge = pids(data)["edge"]
    os.kill(edge, signal.SIGKILL)
    stored_then = len(slots(data))
    until(
        lambda: any(
            slot["edge"] != slots(data)[0]["edge"] and each["outcome"] == "committed"
            for slot in slots(data)[stored_then:]
            for each in slot["devices"].values()
        )
    )
    assert pids(data)["edge"] != edge
    after = [slot for slot in slots(data) if slot["edge"] != slots(data)[0]["edge"]]
    coded = [each["alone"] for slot in after for each in slot["devices"].values() if each["outcome"] == "committed"]
    assert not any(coded)  # the new edge decodes against what the old one stored
    first.send_signal(signal.SIGTERM)
    summary = json.loads(finish(first))
    assert summary["lost"] == 0
    assert summary["devices"] == 2
    assert summary["slots_without_edge"] >= 1
    for process in (pids(data)["edge"], *pids(data)["devices"].values()):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)

    again = json.loads(finish(start(data, camera, "--slots", "6", "--headless", "--json", "-")))
    assert again["first_slot"] > max(slot["slot"] for slot in slots(data)[:stored_then])
    numbers = [slot["slot"] for slot in slots(data)]
    assert numbers == sorted(set(numbers))
    assert again["slots"] == 6
    assert again["lost"] == 0
    assert again["commits"] >= 1
    assert again["uplink_measured_over_predicted"]["median"] > 0.5

    out = tmp_path / "twins.jsonl"
    subprocess.run([*COMMAND, "twins", "export", "--data", str(data), "--out", str(out)], check=True)
    stored = [json.loads(line) for line in out.read_text().splitlines()]
    assert acknowledged(data) <= {(row["thing"], row["revision"], row["slot"]) for row in stored}
    for thing in {row["thing"] for row in stored}:
        revisions = [(row["revision"], row["slot"]) for row in stored if row["thing"] == thing]
        assert revisions == sorted(revisions)
        assert len({slot for _, slot in revisions}) == len(revisions)

    check_replay(data)
    assert run(["live", "report", "--data", str(data), "--refit", str(tmp_path / "refitted.toml")]) == 2


def fill_the_disk(data: Path) -> None:
    """No file of the edge may grow beyond what the store's log has by now; then they may again."""
    edge, unlimited = pids(data)["edge"], resource.RLIM_INFINITY
    size = (data / "twins.sqlite-wal").stat().st_size
    resource.prlimit(edge, resource.RLIMIT_FSIZE, (size, unlimited))
    until(lambda: any("are not stored" in text for text in edge_log(data)))
    resource.prlimit(edge, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    wait_for_commits(data, 2)
    assert pids(data)["edge"] == edge


def check_replay(data: Path) -> None:
    """The run decides and codes the same again; what was tampered with is found."""
    out = data.parent / "replay.json"
    assert run(["live", "--replay", str(data), "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    assert told["same_allocations"] == told["allocations"] >= 6
    assert told["same_streams"] == told["streams"] >= 1
    path = data / "slots.jsonl"
    record = json.loads(path.read_text().splitlines()[-1])
    thing = next(thing for thing, each in record["devices"].items() if each["allocation"])
    record["devices"][thing]["allocation"]["transmit_power_w"] *= 1 + 1e-15
    path.write_text(path.read_text() + json.dumps({**record, "slot": record["slot"] + 1}) + "\n")
    again = data.parent / "tampered.json"
    assert run(["live", "--replay", str(data), "--json", str(again)]) == 1
    (difference,) = json.loads(again.read_text())["differences"]
    assert f"slot {record['slot'] + 1}, {thing}: equal-share decides" in difference


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--allocator", "nobody", "unknown allocator 'nobody'"),
        ("--radio", "smoke.py:signals", "radio 'smoke.py:signals'"),
        ("--durability", "eternal", "give process or power"),
        ("--store", "mysql://here", "give postgresql://user@host:port/database"),
        ("--tls", "nowhere", "nowhere: ca.pem is missing"),
        ("--radio", "trace:nowhere", "radio trace nowhere: No such file"),
        ("--keep", "0", "not a whole number from 1"),
        ("--clock-ghz", "0", "'0' is not a clock from 0.001 to 1000 GHz"),
        ("--source", "nowhere", "nowhere: no such folder or file"),
        ("--source", "nowhere.csv", "nowhere.csv: not a CSV file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    option: str, value: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["live", "--data", str(tmp_path / "cell"), "--clock-ghz", "2.5", option, value]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (tmp_path / "cell").exists()
