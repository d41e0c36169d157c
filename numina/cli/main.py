"""The entry point of the `numina` command."""

from __future__ import annotations

from numina import entry


def main() -> None:
    """Parse the command line and run what it names."""
    entry.begin()  # before what takes a second to import, or cannot be imported elsewhere
    entry.command(parse_and_run)


def parse_and_run() -> None:
    """Build the commands and run the one that is named."""
    from numina.cli.commands import app

    try:
        app(prog_name="numina")
    except SystemExit as ended:
        if ended.code == entry.INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt from None
        raise


if __name__ == "__main__":
    main()
