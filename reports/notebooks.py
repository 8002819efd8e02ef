"""The notebooks by name: those of the source tree where there is one, else those that the wheel carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from capacity.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["find", "folder", "names", "node", "outlines", "parsed", "read", "written"]

HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """Return the folder that holds the notebooks."""
    tree = HERE.parent / "notebooks"
    return tree if (HERE.parent / "pyproject.toml").is_file() and tree.is_dir() else HERE / "notebooks"


def names() -> tuple[str, ...]:
    """Return the names of the notebooks, in order."""
    return tuple(sorted(path.stem for path in folder().glob("*.ipynb")))


def find(name: str | Path) -> Path:
    """Return the path of a notebook: ``name`` is one of `names`, or the path of any notebook file.

    Raises
    ------
    ParameterError
        There is none.
    """
    path = Path(name)
    if path.suffix == ".ipynb":
        if path.is_file():
            return path
        raise ParameterError(f"There is no notebook {path}.")
    if str(name) in names():
        return folder() / f"{name}.ipynb"
    raise ParameterError(
        f"There is no notebook {str(name)!r}.{did_you_mean(str(name), names())}",
        hint=f"There are {', '.join(names())}.",
    )


def outlines() -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Return by name what each notebook says it is for, and the parameters that it declares.

    Read as plain JSON, so that a command line's help need not wait for nbformat.
    """
    stated = {name: json.loads(find(name).read_text(encoding="utf-8"))["metadata"]["capacity"] for name in names()}
    return {name: (each.get("description", ""), each.get("parameters", [])) for name, each in stated.items()}


def read(path: Path) -> NotebookNode:
    """Return the notebook in a file, in nbformat's current form.

    Raises
    ------
    ParameterError
        The file cannot be read, or is no notebook.
    """
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except Exception as error:  # nbformat's converters of older forms raise whatever they come upon
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ParameterError(f"{path} is not a notebook that can be read: {reason[:200]}") from error


def parsed(text: str) -> NotebookNode:
    """Return a notebook from its file's text, in nbformat's current form."""
    import nbformat

    return cast("NotebookNode", nbformat.reads(text, as_version=4))  # type: ignore[no-untyped-call]


def written(notebook: NotebookNode) -> str:
    """Return a notebook as its file's text."""
    import nbformat

    return str(nbformat.writes(notebook, version=4))  # type: ignore[no-untyped-call]


def node(value: Any) -> NotebookNode:
    """Return plain JSON as the objects that notebooks are made of; what is one already is copied."""
    import nbformat

    return cast("NotebookNode", nbformat.from_dict(value))  # type: ignore[no-untyped-call]
