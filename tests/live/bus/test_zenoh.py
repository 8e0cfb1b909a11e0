"""What Zenoh is told."""

from __future__ import annotations

from typing import Any

import pytest
import zenoh

from twinsync.live.bus.zenoh import Access, connect, router


@pytest.mark.parametrize("join", [router, connect])
def test_nothing_passes_by_the_radio(join: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared memory between two processes of a machine would carry frames past an emulated link."""
    told: list[Any] = []
    monkeypatch.setattr(zenoh, "open", told.append)
    join(Access("tcp/127.0.0.1:1"))
    assert told[0].get_json("transport/shared_memory/enabled") == "false"
    assert told[0].get_json("scouting/multicast/enabled") == "false"
