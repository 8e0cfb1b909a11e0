"""What tests of the running system share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.live.postgres_server import PASSWORD, PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    try:
        made = PostgresServer()
    except PermissionError as error:  # as root it runs as nobody, who may not read the folder of the environment
        pytest.skip(f"no PostgreSQL server here: {error}")
    yield made
    made.close()


@pytest.fixture
def postgres(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty database; its password is in the environment."""
    import asyncpg

    async def empty() -> None:
        connection = await asyncpg.connect(server.url)
        await connection.execute("DROP SCHEMA IF EXISTS twinsync CASCADE")
        await connection.close()

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    asyncio.run(empty())
    return server.url


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures: a bright square that walks."""
    folder = tmp_path_factory.mktemp("camera")
    noise = np.random.default_rng(1).integers(90, 130, (96, 128))
    for place in range(4):
        picture = noise.astype(np.uint8)
        picture[30:60, 10 + 12 * place : 40 + 12 * place] = 220
        Image.fromarray(picture).save(folder / f"{place}.png")
    return folder
