"""twinsync: delay-aware digital twin synchronisation over semantic communication."""
