"""The page of twins in a real browser: what it shows, that it follows, and what it says when the edge is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright
from tests.live.running.test_pages import REPORTED, Edge

from twinsync.codec.ends import CAMERA, KINDS, SERIES
from twinsync.codec.sources import sample_frames
from twinsync.live.protocol.effects import Write

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

pytestmark = pytest.mark.browser


class Served:
    """An edge's pages, answered by a thread of their own."""

    def __init__(self) -> None:
        self.edge = Edge()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(10)

    async def _serve(self) -> None:
        server = await self.edge.pages.serve(0)
        self.port = server.sockets[0].getsockname()[1]
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        await self._told.wait()
        server.close()

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._told.set)
            self._thread.join(10)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.stop()


def test_the_page_shows_each_twin_and_follows_it(chromium: str, served: Served) -> None:
    edge = served.edge
    camera, inertial = KINDS[CAMERA].device_end(), KINDS[SERIES].device_end()
    edge.decoder.decode(camera.encode(sample_frames()[0], 4000, 5), 5)
    window = np.round(1000 * np.sin(np.arange(96) / 9)).astype(np.int16).reshape(32, 3)
    edge.decoder.decode(inertial.encode(window, 96, 9), 9)
    edge.slot()
    trouble: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"http://127.0.0.1:{served.port}/")
        first, second = page.locator("article").nth(0), page.locator("article").nth(1)
        expect(first).to_contain_text("41.5 dB PSNR")
        expect(first).to_contain_text("400 ms (350 ms)")
        expect(first.locator("img")).to_have_js_property("naturalWidth", sample_frames().shape[2])
        expect(second.locator("polyline")).to_have_count(3)
        expect(second).to_contain_text("7: no report")
        expect(page.get_by_role("status")).to_have_text("1 of 2 up to date")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        edge.decoder.decode(camera.encode(sample_frames()[1], 2000, 6, 5), 6, 5)
        before = first.locator("img").get_attribute("src")
        edge.twins.stored(Write("a:1", 6, 5, 8, 0.0, b""), None, REPORTED)
        expect(first.locator("img")).not_to_have_attribute("src", str(before))
        assert trouble == []
        served.stop()
        expect(page.get_by_role("status")).to_contain_text("The edge does not answer")
        expect(first).to_contain_text("41.5 dB PSNR")
        browser.close()
