"""How a chart becomes a notebook's output: as Vega-Lite for reports, and in words for whoever cannot draw it.

altair's own renderers cannot be used: one needs a network, one writes a MIME type that notebooks refuse.
"""

from __future__ import annotations

from typing import Any

import altair as alt

from reports.vega import MIME, VEGALITE

__all__ = ["NAME", "bundle", "enable"]

NAME = "capacity"
STATIC_WIDTH = 720


def bundle(spec: dict[str, Any], *, static: bool | None = None, **_metadata: Any) -> dict[str, Any]:
    """Return the output of a chart: its specification, and its description as plain text.

    Parameters
    ----------
    spec : dict
        Vega-Lite, as altair gives it.
    static : bool, optional
        Whether a picture is added, for JupyterLab, which draws an older Vega-Lite only; by default where a person is
        at a Jupyter kernel, and never while a report is made.
    """
    outputs: dict[str, Any] = {MIME: spec, "text/plain": described(spec)}
    if _at_a_kernel() if static is None else static:
        outputs["image/svg+xml"] = picture(spec)
    return outputs


def described(spec: dict[str, Any]) -> str:
    """Return the chart's description, else its title, else what it is."""
    title = spec.get("title")
    words = spec.get("description") or (title.get("text") if isinstance(title, dict) else title)
    if isinstance(words, list):
        words = " ".join(str(line) for line in words)
    return str(words) if words else "A chart without a description"


def picture(spec: dict[str, Any]) -> str:
    """Return the chart as an SVG of fixed width."""
    import vl_convert

    fixed = spec | {"width": STATIC_WIDTH} if spec.get("width", "container") == "container" else spec
    return str(vl_convert.vegalite_to_svg(fixed | {"background": "white"}, vl_version=VEGALITE))


def enable(*, static: bool | None = None) -> None:
    """Let every altair chart that a notebook shows be put out in this form."""
    alt.renderers.enable(NAME, static=static)


def _at_a_kernel() -> bool:
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


alt.renderers.register(NAME, bundle)
