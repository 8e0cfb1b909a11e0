"""An allocator and a scenario for twinsync, announced in pyproject.toml."""
