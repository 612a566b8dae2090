"""`make pdf`: the report printed by a browser that is on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from analysis.errors import BuildError
from analysis.presentation.wording import message
from analysis.reporting.build import build_report
from analysis.reporting.commands import parameter, parameters_of_a_report, run_command, shown
from analysis.reporting.manifest import PDF_FILE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_VARIABLE = "CHROMIUM"
LONGEST_PRINT_SECONDS = 180
_ELEMENT = re.compile(rb"\(node\d{8}\)")
_DATE = re.compile(rb"/(CreationDate|ModDate) \(D:[^)]*\)")


def find_browser() -> str:
    """The path of a Chromium or Chrome: the one that CHROMIUM names, or one on the PATH.

    Raises BuildError, saying what to install, if there is none.
    """
    named = parameter(BROWSER_VARIABLE)
    found = (shutil.which(name) for name in ([named] if named else BROWSERS))
    browser = next((path for path in found if path), "")
    if browser:
        return browser
    if named:
        raise BuildError(f"{BROWSER_VARIABLE}: there is no program {named!r}")
    raise BuildError(
        "a PDF is printed by Chromium or Chrome, and neither is on this machine: install one "
        "(Debian: apt install chromium), or name the program in the variable CHROMIUM; "
        "index.html itself can be printed from any browser"
    )


def without_chance(pdf: bytes) -> bytes:
    """The same PDF without the moment of printing, its elements numbered from one.

    Lengths stay, so that its tables of offsets hold; the order of numbers stays as well.
    """
    numbers = {name: i for i, name in enumerate(sorted(set(_ELEMENT.findall(pdf))), start=1)}
    pdf = _ELEMENT.sub(lambda match: b"(node%08d)" % numbers[match.group()], pdf)

    def blank(match: re.Match[bytes]) -> bytes:
        length = len(match.group()) - len(match.group(1)) - len(b"/ (D:)")
        stamp = b"20000101000000Z00'00'"[:length]
        return b"/" + match.group(1) + b" (D:" + stamp + b"0" * (length - len(stamp)) + b")"

    return _DATE.sub(blank, pdf)


def print_page(page: Path, browser: str) -> bytes:
    """The page as PDF on A4. Raises BuildError if the browser gives none."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / PDF_FILE
        flags = [
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={scratch}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={target}",
            # A sandbox cannot be had by the administrator's account, as in containers.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        try:
            done = subprocess.run(
                [browser, *flags, page.resolve().as_uri()],
                capture_output=True,
                timeout=LONGEST_PRINT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"the browser took longer than {LONGEST_PRINT_SECONDS} s to print; no PDF was made"
            ) from None
        except OSError as error:
            raise BuildError(f"the browser could not be started: {error.strerror}") from None
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF"):
            raise BuildError(f"the browser gave no PDF (status {done.returncode})")
        return without_chance(target.read_bytes())


def print_report(report: Path) -> Path:
    """Print a published report beside its page; whole or not at all.

    Raises BuildError if it cannot be printed or written; the last print stays.
    """
    content = print_page(report / "index.html", find_browser())
    target = report / PDF_FILE
    scratch = report / f".{PDF_FILE}.{os.getpid()}"
    try:
        scratch.write_bytes(content)
        scratch.replace(target)
    except OSError as error:
        raise BuildError(
            f"{report.name}/{PDF_FILE} cannot be written: {error.strerror or error}"
        ) from None
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
    return target


def _print() -> int:
    find_browser()
    report, _ = build_report(*parameters_of_a_report())
    sys.stdout.write(f"{shown(print_report(report))}\n")
    return 0


def main() -> int:
    """Build the report that DATASET, PERIOD and SEGMENT name if it is due, and print it."""
    return run_command(_print, message("no PDF was made"))


if __name__ == "__main__":
    sys.exit(main())
