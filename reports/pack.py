"""How things travel inside a page: data as gzip that is the same every time, code by hashes that its policy names."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

__all__ = ["canonical", "packed", "policy", "source_hash", "unpacked"]

HARMLESS = bytes.maketrans(b"<>&", b",./")
HARMFUL = bytes.maketrans(b",./", b"<>&")
"""Three of base 85's characters mean something in HTML; three that it does not use stand for them."""


def canonical(value: Any) -> str:
    """Return ``value`` as compact JSON with its keys in order, so that equal values are equal text.

    Raises
    ------
    ValueError
        A number is not finite: NaN is no JSON, and a browser would stop at it.
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def packed(text: str) -> str:
    """Return text as gzip in base 85, which no text can break out of; `unpacked` in ``page.js`` is its other side.

    The same text gives the same bytes: gzip's clock is left at zero. Base 85 is a sixteenth shorter than base 64.
    """
    squeezed = gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)
    zeros = -len(squeezed) % 4  # base 85 takes four bytes at a time; how many are none of ours stands first
    encoded = base64.b85encode(squeezed + bytes(zeros)).translate(HARMLESS).decode("ascii")
    return f"{zeros}{encoded}"


def unpacked(text: str) -> str:
    """Return what `packed` packed."""
    squeezed = base64.b85decode(text[1:].encode("ascii").translate(HARMFUL))
    return gzip.decompress(squeezed[: len(squeezed) - int(text[0])]).decode("utf-8")


def source_hash(code: str) -> str:
    """Return the hash by which a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode('utf-8')).digest()).decode('ascii')}'"


def policy(*, scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """Return a content security policy under which nothing runs but ``scripts``, and nothing is loaded at all."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(source_hash(code) for code in scripts) or "'none'",
        "style-src": " ".join(source_hash(code) for code in styles) or "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
