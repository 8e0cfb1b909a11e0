"""The command `twinsync`, and `python -m twinsync`."""

import sys

from twinsync import interrupts


def main() -> None:
    """Entry point of the `twinsync` command."""
    interrupts.watch()  # before the imports, which take a while
    try:
        from twinsync.cli import main as run
    except ModuleNotFoundError as error:
        if (error.name or "twinsync").partition(".")[0] == "twinsync":
            raise
        # Installed with --no-deps, as on an edge server that only runs exported policies.
        line = f"error: {error.name} is not installed; the command needs twinsync's dependencies: pip install twinsync"
        print(line, file=sys.stderr)
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
