"""Twin stores: every revision of every twin, one transaction per slot, compare and set."""
