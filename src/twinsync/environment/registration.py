"""Registration with Gymnasium. Importing this module makes `gymnasium.make("twinsync/DTSync-v0")` work."""

from __future__ import annotations

import gymnasium

ENV_ID = "twinsync/DTSync-v0"


def register() -> None:
    """Register the environment with Gymnasium; does nothing if it is registered already."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(
            ENV_ID,
            entry_point="twinsync.environment.gym:DTSyncEnv",
            vector_entry_point="twinsync.environment.vector:DTSyncVectorEnv",
        )


register()
