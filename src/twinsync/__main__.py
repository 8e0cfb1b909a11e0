"""`python -m twinsync`."""

from twinsync.cli import main

main()
