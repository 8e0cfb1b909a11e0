"""Registration with Gymnasium; importing this module is enough for `gymnasium.make("twinsync/DTSync-v0")`."""

from __future__ import annotations

import gymnasium

ENV_ID = "twinsync/DTSync-v0"


def register() -> None:
    """Make the environment known to Gymnasium, once; later calls change nothing."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(
            ENV_ID,
            entry_point="twinsync.environment.gym:DTSyncEnv",
            vector_entry_point="twinsync.environment.vector:DTSyncVectorEnv",
        )


register()
