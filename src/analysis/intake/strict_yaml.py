"""YAML that turns nothing into something else: every scalar is the text that stands there."""

from __future__ import annotations

from typing import Any

import yaml

from analysis.errors import SettingsError, shown_value

LARGEST_BYTES = 1 << 20


class _TextLoader(yaml.BaseLoader):
    """The base loader (all scalars are text) with aliases and duplicate keys refused."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.constructor.ConstructorError(
                None, None, "aliases (*name) are not read; write the value out", event.start_mark
            )
        event = self.peek_event()
        if getattr(event, "tag", None) is not None:
            raise yaml.constructor.ConstructorError(
                None, None, "tags (!…) are not read; write plain values", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key has to be a single word", key_node.start_mark
                )
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"key {shown_value(key_node.value)} stands twice",
                    key_node.start_mark,
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def load_text_tree(content: bytes, name: str) -> Any:
    """Parse YAML into dicts, lists and text. `name` is the file's, for messages.

    Raises SettingsError, with the line, on anything that is not plain YAML in UTF-8.
    """
    if len(content) > LARGEST_BYTES:
        raise SettingsError(
            f"{name}: is larger than {LARGEST_BYTES >> 20} MB; keep rows in a file of their own"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from None
    try:
        return yaml.load(text, Loader=_TextLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{name}{place}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{name}: not readable as YAML ({error})") from None
    except RecursionError:
        raise SettingsError(f"{name}: nested too deeply") from None
