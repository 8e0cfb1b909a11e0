"""Ctrl-C in real processes: at any moment one line and code 130, never a crash, never swallowed, no file broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ENDS_WITHIN_S = 30.0  # generous: a busy machine starts threads late
STARTS_WITHIN_S = 120.0
LINE = "twinsync: interrupted; "


def start(*command: str) -> subprocess.Popen[str]:
    # Shells have SIGINT ignored in background jobs, which children inherit; a user's terminal has not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for(condition, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


def watched(process: subprocess.Popen[str]) -> bool:
    """Whether the thread that waits for Ctrl-C is there: the first that a command starts."""
    return len(os.listdir(f"/proc/{process.pid}/task")) > 1


def interrupted(process: subprocess.Popen[str], advice: str) -> None:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=ENDS_WITHIN_S)
    assert (process.returncode, out, err) == (130, "", f"{LINE}{advice}\n")


NOTHING = "nothing was written, run the same command again"
EVALUATE = ["evaluate", "--slots", "100000", "--seeds", "1000"]


@pytest.mark.parametrize("delay_s", [0.0, 0.4, 2.0, 6.0])  # importing, compiling, running
def test_evaluate(delay_s: float) -> None:
    process = start("-m", "twinsync", *EVALUATE)
    wait_for(lambda: watched(process), process)
    time.sleep(delay_s)
    interrupted(process, NOTHING)


def test_solve_leaves_no_file(tmp_path: Path) -> None:
    process = start("-m", "twinsync", "solve", "--slots", "1000000", "--json", str(tmp_path / "slots.json"))
    wait_for(lambda: watched(process), process)
    time.sleep(4.0)
    interrupted(process, NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_train_leaves_whole_files_and_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", "--algorithm", "gradient", "--seeds", "1", "--learning", "slots=80000000"]
    process = start("-m", "twinsync", *command, "--out", str(run))
    wait_for((run / "manifest.json").exists, process)
    time.sleep(2.0)  # it compiles
    interrupted(process, f"continue with: twinsync {' '.join(command)} --out {run} --resume")
    assert sorted(path.name for path in run.iterdir()) == ["config.json", "manifest.json"]
    for path in run.iterdir():
        json.loads(path.read_text())


def test_workers_end_with_their_driver(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("-m", "twinsync", "reproduce", "--figures", "4", "--workers", "2", "--out", str(out))
    # Workers start before the folder is opened, and only then is there something to go on with.
    wait_for(lambda: len(workers_of(process.pid)) == 2 and (out / "plan.json").exists(), process)
    workers = workers_of(process.pid)
    interrupted(process, f"continue with: twinsync reproduce --figures 4 --workers 2 --out {out} --resume")
    gone(workers)


def test_a_worker_whose_driver_was_killed_ends_in_the_midst_of_its_task(tmp_path: Path) -> None:
    driver = f"""
        import sys, time
        from twinsync.experiments.compute.executors import Processes
        from tests.experiments.compute.conftest import tiny_cell
        executor = Processes(1)
        executor.submit(0, [tiny_cell("0.1 MHz")])
        print(executor.process_id(0), flush=True)
        time.sleep({10 * ENDS_WITHIN_S})
    """
    process = start("-c", textwrap.dedent(driver))
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate()
    gone([worker])


def gone(processes: list[int]) -> None:
    """Wait for processes to end: one just started has to come to reading its tasks first."""
    until = time.monotonic() + ENDS_WITHIN_S
    while any(map(running, processes)):
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def workers_of(pid: int) -> list[int]:
    """Children that are workers; there are others for a moment, which ask for the revision."""
    found = []
    for child in children(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except FileNotFoundError:
            continue
        if b"compute.worker" in command:
            found.append(child)
    return found


def running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def script(body: str) -> subprocess.Popen[str]:
    """A process that watches, prints a line once it does what `body` does, and is then interrupted by the test."""
    begin = "import os, sys, time\nfrom pathlib import Path\nfrom twinsync import interrupts\ninterrupts.watch()\n"
    process = start("-c", begin + textwrap.dedent(body))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_no_except_swallows_it() -> None:
    process = script("""
        print("ready", flush=True)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
    """)
    interrupted(process, NOTHING)


def test_a_write_in_hand_finishes_first(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    process = script(f"""
        from twinsync.writing import whole_file
        with whole_file(Path({str(target)!r})) as partial, partial.open("w") as file:
            print("ready", flush=True)
            file.write("all ")
            time.sleep(1.0)
            file.write("of it")
        time.sleep(60)
    """)
    interrupted(process, NOTHING)
    assert target.read_text() == "all of it"
    assert list(tmp_path.iterdir()) == [target]


def test_a_second_ctrl_c_waits_for_no_write() -> None:
    process = script("""
        with interrupts.uninterrupted():
            print("ready", flush=True)
            time.sleep(9)
    """)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    interrupted(process, NOTHING)
    assert time.monotonic() - began < 8.0


def test_the_line_says_what_the_innermost_block_advises() -> None:
    process = script("""
        with interrupts.advising("outer"), interrupts.advising("inner"):
            with interrupts.advising("gone"):
                pass
            interrupts.advise("this")
            print("ready", flush=True)
            time.sleep(60)
    """)
    interrupted(process, "this")


def test_other_processes_are_ended(tmp_path: Path) -> None:
    process = script(f"""
        with interrupts.ending(lambda: Path({str(tmp_path / "ended")!r}).touch()):
            print("ready", flush=True)
            time.sleep(60)
    """)
    interrupted(process, NOTHING)
    assert (tmp_path / "ended").exists()


def test_what_is_done_is_not_interrupted() -> None:
    process = script("""
        interrupts.finish()
        print("ready", flush=True)
        time.sleep(0.5)
    """)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=ENDS_WITHIN_S) == ("", "")
    assert process.returncode == 0


def test_a_background_job_stays_deaf_to_it() -> None:
    code = "import signal; from twinsync import interrupts; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code += "interrupts.watch(); import os; os.kill(os.getpid(), signal.SIGINT)"
    assert subprocess.run([sys.executable, "-c", code], timeout=ENDS_WITHIN_S).returncode == 0
