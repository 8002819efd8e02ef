"""HTML by construction: whatever is not markup already is escaped, so a hostile label can only ever be read."""

from __future__ import annotations

from html import escape

__all__ = ["Markup", "joined", "tag"]

VOID = frozenset({"br", "circle", "line", "path", "polygon", "polyline", "rect"})


class Markup(str):
    """Text that is HTML already; plain ``str`` is not, and is escaped wherever it is put."""

    __slots__ = ()


def text(content: object) -> str:
    """Escape what is not `Markup`; None is nothing."""
    if content is None:
        return ""
    return str(content) if isinstance(content, Markup) else escape(str(content), quote=True)


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """Build an element: ``class_`` is ``class``, other underscores are hyphens; None leaves an attribute out."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opening = "".join([name, *(f' {key}="{escape(str(value), quote=True)}"' for key, value in named.items())])
    if name in VOID and not content:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{''.join(text(part) for part in content)}</{name}>")


def joined(*parts: object, by: str = "") -> Markup:
    """Put parts beside each other, each escaped unless it is markup; parts that are empty are left out."""
    return Markup(text(by).join(text(part) for part in parts if part not in (None, "")))
