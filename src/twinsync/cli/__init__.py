"""The command line: parses, calls, prints. A command imports what it needs when it runs, so that help is instant."""

from twinsync.cli.app import main

__all__ = ["main"]
