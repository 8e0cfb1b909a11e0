"""A cycle as an animation: the decisions of allocators on the same draws, slot by slot, one panel above the other."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from twinsync.allocators.registry import Allocator
from twinsync.arrays import Array, Float
from twinsync.environment.render import Frame, picture
from twinsync.errors import InputError, install
from twinsync.experiments.evaluate import decide, draw_slot_set
from twinsync.model import slot_outcome
from twinsync.model.draws import draw_positions
from twinsync.scenario import Scenario
from twinsync.streams import root_key, stream
from twinsync.writing import whole_file

SLOT_SHOWN_S = 0.6  # half of real time at the paper's slot length
_END_SHOWN_S = 2.4  # the last slot, before a loop starts again
_WIDTH = 960  # width of an animation in pixels


def cycle_pictures(
    scenario: Scenario,
    allocators: Mapping[str, Allocator],
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[np.ndarray]:
    """One RGB image per slot of a cycle, uint8 [rows, columns, 3], with one panel per allocator, stacked.

    The cycle is the first that `evaluate` uses with this seed. progress: called with the number of images drawn and
    their total.
    """
    slots, key = draw_slot_set(scenario, seed, 0, scenario.slot_count)
    panels = {}
    position_m = cycle_positions_m(scenario, seed)
    with jax.enable_x64(True):
        for name, allocator in allocators.items():
            allocation = decide(name, allocator, scenario, slots, key)
            panels[name] = allocation, jax.device_get(slot_outcome(scenario, slots, allocation))
    reach_s = max(float(outcome.sync_latency_s.max()) for _, outcome in panels.values())
    images = []
    for n in range(scenario.slot_count):
        rows = []
        for name, (allocation, outcome) in panels.items():
            ages = ages_at_slot_ends(
                np.where(outcome.outage, np.inf, outcome.sensing_latency_s + outcome.sync_latency_s), scenario.slot_s
            )
            here, decided, reached = (jax.tree.map(lambda x, n=n: x[n], part) for part in (slots, allocation, outcome))
            rows.append(picture(Frame(
                scenario, n + 1, position_m[: n + 1], here, decided, reached, title=name, age_s=ages[n],
                reach_s=reach_s,
            )))  # fmt: skip
        images.append(np.concatenate(rows))
        progress(n + 1, scenario.slot_count)
    return images


def cycle_positions_m(scenario: Scenario, seed: int) -> Float[np.ndarray, "N K 2"]:
    """Positions [m] in the first cycle of `draw_slot_set`'s first set; the slots of the set have only the distances."""
    with jax.enable_x64(True):
        key = jax.random.fold_in(stream(root_key(seed), "evaluation"), 0)
        cycle_key = jax.random.split(stream(key, "slots"), 1)[0]
        return np.asarray(draw_positions(cycle_key, scenario))


def ages_at_slot_ends(latency_s: Float[Array, "N K"], slot_s: float) -> Float[np.ndarray, "N K"]:
    """Age of each twin's newest state at the end of each slot of a cycle [s].

    An update of slot n, sensed at n tau, counts from its arrival on, latency_s later; one with infinite latency never
    arrives. The twin is one slot old when the cycle starts.
    """
    count, devices = latency_s.shape
    sensed_s = slot_s * np.arange(count)
    arrival_s = sensed_s[:, None] + latency_s
    ages = np.empty((count, devices))
    for n in range(count):
        end_s = slot_s * (n + 1)
        newest_s = np.where(arrival_s <= end_s, sensed_s[:, None], -slot_s).max(axis=0)
        ages[n] = end_s - newest_s
    return ages


def check_suffix(path: Path) -> None:
    """Raise `InputError` for a file that `write_animation` cannot write: another suffix, or .mp4 without PyAV."""
    if path.suffix not in _WRITERS:
        raise InputError(f"{path}: a moving picture is a file in {', '.join(_WRITERS)}")
    if path.suffix == ".mp4" and find_spec("av") is None:
        raise InputError(f"{path}: writing .mp4 needs PyAV: {install('video')}; or choose .gif or .html")


def write_animation(path: Path, images: Sequence[np.ndarray]) -> None:
    """Write images as an animation: `.gif`, `.html` (a self-contained player) or `.mp4` (needs PyAV).

    Raises `InputError` for another suffix, for `.mp4` without PyAV, and if the file exists or cannot be written.
    """
    check_suffix(path)
    small = [_shrunk(image) for image in images]
    try:
        with whole_file(path, new=True) as partial:
            _WRITERS[path.suffix](partial, small)
    except FileExistsError:
        raise InputError(f"--out {path}: already exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); choose another --out") from None


def _shrunk(image: np.ndarray) -> Image.Image:
    """The image scaled to the animation's width; both sides are even, as video formats require."""
    whole = Image.fromarray(image)
    height = round(whole.height * _WIDTH / whole.width / 2) * 2
    return whole.resize((_WIDTH, height), Image.Resampling.LANCZOS)


def _write_gif(path: Path, images: Sequence[Image.Image]) -> None:
    # One palette for all frames avoids flicker.
    palette = images[0].quantize(64)
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    durations_ms = [round(1000 * SLOT_SHOWN_S)] * (len(frames) - 1) + [round(1000 * _END_SHOWN_S)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations_ms, loop=0, optimize=True)


def _write_html(path: Path, images: Sequence[Image.Image]) -> None:
    sources = []
    for image in images:
        with io.BytesIO() as file:
            image.quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
            sources.append(f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}")
    path.write_text(_PAGE.replace("SOURCES", json.dumps(sources)).replace("STEP_MS", str(1000 * SLOT_SHOWN_S)), "utf-8")


def _write_mp4(path: Path, images: Sequence[Image.Image]) -> None:
    import av

    rate = 10
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=rate)
        video.width, video.height, video.pix_fmt = images[0].width, images[0].height, "yuv420p"
        for image in images:
            for _ in range(round(rate * SLOT_SHOWN_S)):
                container.mux(video.encode(av.VideoFrame.from_image(image)))
        container.mux(video.encode())


_WRITERS = {".gif": _write_gif, ".html": _write_html, ".mp4": _write_mp4}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A cycle of digital twin synchronisation</title>
<style>body{margin:1rem auto;max-width:960px;font:1rem system-ui,sans-serif}img{width:100%}input{width:60%}</style>
<img id="picture" alt="Positions of the devices, and each one's latency by part"><p>
<button id="play">Pause</button>
<label>Slot <input id="slot" type="range" min="0" value="0"></label> <span id="at"></span>
<script>
const sources = SOURCES, picture = document.getElementById("picture"), slot = document.getElementById("slot");
const play = document.getElementById("play"), at = document.getElementById("at");
slot.max = sources.length - 1;
let timer = null;
function show() { picture.src = sources[slot.value]; at.textContent = `${+slot.value + 1} of ${sources.length}`; }
function start() {
  timer = setInterval(() => { slot.value = (+slot.value + 1) % sources.length; show(); }, STEP_MS);
  play.textContent = "Pause";
}
function stop() { clearInterval(timer); timer = null; play.textContent = "Play"; }
play.onclick = () => timer === null ? start() : stop();
slot.oninput = () => { stop(); show(); };
show(); start();
</script></html>
"""
