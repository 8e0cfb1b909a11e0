"""Our docstrings as the reference shows them: plain text on the way in, Markdown on the way out."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Module, Object

_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_ENTRY = re.compile(r"^([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*): (?=\S)", re.MULTILINE)


def to_markdown(text: str) -> str:
    """Shapes such as [*b K] keep their stars and brackets; a paragraph of `name: meaning` lines becomes a list."""
    pieces = _CODE.split(text)
    pieces[::2] = [piece.replace("*", "&#42;").replace("[", "&#91;") for piece in pieces[::2]]
    paragraphs = "".join(pieces).split("\n\n")
    return "\n\n".join(_ENTRY.sub(r"- `\1`: ", part) if _ENTRY.match(part) else part for part in paragraphs)


class Docstrings(Extension):
    """Prepares docstrings, and shows each object once: where it is defined, not again where it is re-exported."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Called for each object once its package is loaded."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)
        if isinstance(obj, Module) and obj.is_init_module and obj.exports:
            names = ", ".join(f"`{name}`" for name in obj.exports)
            if obj.docstring:
                obj.docstring.value += f"\n\nTo be imported from here: {names}."
            obj.exports = None
