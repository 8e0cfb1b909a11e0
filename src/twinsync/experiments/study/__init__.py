"""Which of SAC's settings break it on this problem, and which repair it: runs, records, figures and a page."""
