"""Sweeps: what to compute is data, each result is a file named by what it is the result of, workers do the rest."""
