"""Values as they stand in YAML, whatever they hold, and comments that stay on their line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

# What YAML readers take for something else than text; nobody has to wonder about it here.
_PLAIN = re.compile(r"[A-Za-zА-Яа-яЁё_][\w.*/-]*(?: [\w.*/-]+)*")
_TRAPS = {"yes", "no", "on", "off", "true", "false", "null", "none", "y", "n"}


def scalar(value: object) -> str:
    """A text, number or truth value, in quotes where it needs them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _TRAPS:
        return text
    written = json.dumps(text, ensure_ascii=False)
    # JSON leaves some letters as they are that YAML does not allow in a file.
    return "".join(
        c
        if c.isprintable() or c == " "
        else f"\\u{ord(c):04x}"
        if ord(c) < 0x10000
        else f"\\U{ord(c):08x}"
        for c in written
    )


def flow(value: object) -> str:
    """Lists and mappings on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def comment(text: str) -> str:
    """A text that cannot leave its comment."""
    return "".join(
        letter if letter.isprintable() else " " if letter in "\r\n\t" else "\ufffd"
        for letter in unicodedata.normalize("NFC", text)
    )
