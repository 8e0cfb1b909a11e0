"""The study of which settings break SAC on this problem, and which repair it: runs, records, figures and a page."""
