"""The parameters that a notebook declares, and the check of what it is given.

A notebook states them in its metadata, as ``capacity.parameters``: a list of objects with ``name``, ``type``,
``default`` and, where they apply, ``unit``, ``min``, ``max``, ``choices`` and ``help``. They are not read from the code
of its first cell, as papermill does: a default with two ``=`` in it, which is any PromQL, defeats that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from capacity.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["TYPES", "Parameter", "checked", "declared"]

TYPES = ("string", "integer", "number", "boolean", "duration", "date")
NAME = re.compile(r"[a-z_][a-z0-9_]*")
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")

Value = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """One parameter. ``min`` and ``max`` bound numbers, and durations as text (``"1d"``); ``choices`` the rest."""

    name: str
    type: str
    default: Value
    unit: str = ""
    min: Any = None
    max: Any = None
    choices: tuple[Value, ...] = ()
    help: str = ""

    def read(self, value: object) -> Value:
        """Return ``value`` as this parameter's type; text is read, as from a command line; the default always passes.

        Raises
        ------
        ParameterError
            It is of another type, or out of bounds.
        """
        if type(value) is type(self.default) and value == self.default:
            return self.default
        parsed: Value = READERS[self.type](self, value)
        if self.choices and parsed not in self.choices:
            near = did_you_mean(str(parsed), [str(choice) for choice in self.choices])
            raise self.refuse(value, f"one of {', '.join(map(str, self.choices))}", hint=near.strip())
        self._bounded(parsed)
        return parsed

    def refuse(self, value: object, wanted: str, *, hint: str = "") -> ParameterError:
        """Return the error that says what was wanted and what came."""
        unit = f" (in {self.unit})" if self.unit else ""
        return ParameterError(
            f"The parameter {self.name!r} takes {wanted}{unit}, not {value!r}.", hint=hint or self.help or None
        )

    def _bounded(self, parsed: Value) -> None:
        for bound, too_far, word in ((self.min, -1, "at least"), (self.max, 1, "at most")):
            if bound is None:
                continue
            mine, its = (_size(parsed), _size(bound)) if self.type == "duration" else (parsed, bound)
            if (mine > its) - (mine < its) == too_far:
                raise self.refuse(parsed, f"{word} {bound}")


def _size(text: object) -> Any:
    from capacity.frames import duration

    return duration(str(text))


def _string(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str):
        raise parameter.refuse(value, "text")
    return value


def _integer(parameter: Parameter, value: object) -> int:
    wanted = "a whole number"
    if isinstance(value, bool):
        raise parameter.refuse(value, wanted)
    try:
        number = float(value) if not isinstance(value, str) else int(value.strip())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise parameter.refuse(value, wanted) from None
    if not math.isfinite(number) or number != int(number):
        raise parameter.refuse(value, wanted)
    return int(number)


def _number(parameter: Parameter, value: object) -> float:
    wanted = "a number"
    if isinstance(value, bool):
        raise parameter.refuse(value, wanted)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise parameter.refuse(value, wanted) from None
    if not math.isfinite(number):
        raise parameter.refuse(value, "a finite number")
    return number


def _boolean(parameter: Parameter, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in TRUE + FALSE:
        raise parameter.refuse(value, "true or false")
    return word in TRUE


def _duration(parameter: Parameter, value: object) -> str:
    from capacity.frames import duration, duration_text

    try:
        return duration_text(duration(value, name=parameter.name))  # type: ignore[arg-type]
    except ParameterError as error:
        raise parameter.refuse(value, 'a duration such as "90d" or "1h"') from error


def _date(parameter: Parameter, value: object) -> str:
    from capacity.frames import instant

    try:
        return instant(value, name=parameter.name).isoformat()  # type: ignore[arg-type]
    except ParameterError as error:
        raise parameter.refuse(value, 'a date such as "2026-11-01" or "2026-11-01T06:00Z"') from error


READERS: dict[str, Callable[[Parameter, object], Value]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
    "date": _date,
}


def declared(notebook: NotebookNode, *, name: str) -> dict[str, Parameter]:
    """Return what a notebook declares, by name; nothing declared is an empty dictionary.

    Raises
    ------
    ParameterError
        The declaration itself is wrong; ``name`` is the notebook's, for the message.
    """
    stated = notebook.metadata.get("capacity", {}).get("parameters", [])
    found: dict[str, Parameter] = {}
    for entry in stated:
        parameter = _declared(entry, name)
        if parameter.name in found:
            raise ParameterError(f"The notebook {name} declares the parameter {parameter.name!r} twice.")
        found[parameter.name] = parameter
    return found


def _declared(entry: Mapping[str, Any], notebook: str) -> Parameter:
    known = [one.name for one in fields(Parameter)]
    who = f"The notebook {notebook} declares a parameter {entry.get('name', '')!r}"
    for key in entry:
        if key not in known:
            raise ParameterError(f"{who} with the key {key!r}, which there is not.{did_you_mean(key, known)}")
    if missing := [key for key in ("name", "type", "default") if key not in entry]:
        raise ParameterError(f"{who} without {' and '.join(missing)}.")
    if not NAME.fullmatch(str(entry["name"])):
        raise ParameterError(f"{who}; a name is made of a–z, 0–9 and _, and begins with no digit.")
    if entry["type"] not in TYPES:
        near = did_you_mean(str(entry["type"]), TYPES)
        raise ParameterError(
            f"{who} of the type {entry['type']!r}, which there is not.{near}", hint=f"There are {', '.join(TYPES)}."
        )
    return Parameter(**{**entry, "choices": tuple(entry.get("choices", ()))})


def checked(schema: Mapping[str, Parameter], given: Mapping[str, object], *, name: str) -> dict[str, Value]:
    """Return the given values as the notebook is to get them: plain text, numbers and truth values.

    Raises
    ------
    ParameterError
        One is not declared, not of its type, or out of its bounds.
    """
    for key in given:
        if key not in schema:
            near = did_you_mean(str(key), schema)
            hint = f"It declares {', '.join(schema)}." if schema else "It declares none."
            raise ParameterError(f"The notebook {name} declares no parameter {str(key)!r}.{near}", hint=hint)
    return {key: schema[key].read(value) for key, value in given.items()}
