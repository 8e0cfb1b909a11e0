"""Section V: evaluation on common slots, statistics, the reproduction of the comparison, figures and report."""
