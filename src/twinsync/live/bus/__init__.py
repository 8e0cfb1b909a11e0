"""Buses: publish, subscribe, presence. Zenoh between processes; one in a single process for tests."""
