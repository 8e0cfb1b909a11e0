"""The command `twinsync`, and `python -m twinsync`."""

from twinsync import interrupts


def main() -> None:
    """Entry point of the `twinsync` command."""
    interrupts.watch()  # before the imports, which take a while
    from twinsync.cli import main as run

    run()


if __name__ == "__main__":
    main()
