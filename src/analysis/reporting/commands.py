"""What every command shares: parameters from the environment, failures in words, a status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from analysis.errors import ClienteleError, neutralised
from analysis.presentation.wording import message

EXIT_STATUS_OF_ERRORS = 2
EXIT_STATUS_OF_INTERRUPTION = 130
# What the database engine says when Ctrl-C meets it at work.
INTERRUPTED_QUERY = "Query interrupted"
DEFAULT_DATASET = "data/demo"


def parameter(name: str, default: str = "") -> str:
    """A parameter of the command, as `make` hands it over; `default` where it is empty."""
    return os.environ.get(name, "").strip() or default


def parameters_of_a_report() -> tuple[str, str, str]:
    """DATASET, PERIOD and SEGMENT."""
    return parameter("DATASET", DEFAULT_DATASET), parameter("PERIOD"), parameter("SEGMENT")


def shown(path: Path) -> str:
    """A path as whoever typed the command can open it: relative to where they are, if within."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def say(line: str) -> None:
    """Tell something that is not the command's result."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def run_command(work: Callable[[], int], remains: str, lead: str = "") -> int:
    """Do the work of a command and give its exit status: 2 if it cannot be done, told in words.

    remains: what is still as it was when the disk failed. lead: what every failure begins with.
    """
    try:
        return work()
    except ClienteleError as error:
        say(f"{lead}{error}")
    except OSError as error:
        # The name alone: where the project lies is nobody's business in a log that is passed on.
        place = (
            neutralised(Path(os.fsdecode(error.filename)).name)
            if isinstance(error.filename, str | bytes)
            else message("the project's folder")
        )
        say(f"{lead}{place}: {error.strerror or error}; {remains}")
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and str(error) != INTERRUPTED_QUERY:
            raise
        say(lead + message("stopped; {remains}", remains=remains))
        return EXIT_STATUS_OF_INTERRUPTION
    return EXIT_STATUS_OF_ERRORS
