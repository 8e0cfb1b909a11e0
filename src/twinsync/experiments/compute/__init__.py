"""Computation of cells: each result is a file named by a hash of what determines it, and workers compute the rest."""
