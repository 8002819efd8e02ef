"""The models: one file each, one line each in the registry."""

from __future__ import annotations

from importlib import import_module

from capacity.errors import ParameterError, did_you_mean
from capacity.models.base import Answer, Model, Problem

__all__ = ["AUTO", "MODELS", "Answer", "Model", "Problem", "load_model"]

AUTO = "auto"

# name → where it lives. A model is imported when it is asked for: prophet and statsmodels are heavy.
MODELS = {
    "fleet": "capacity.models.fleet:Fleet",
    "naive": "capacity.models.naive:SeasonalNaive",
    "linear": "capacity.models.linear:Linear",
    "prophet": "capacity.models.prophet:Prophet",
    "ets": "capacity.models.ets:Ets",
    "sarimax": "capacity.models.sarimax:Sarimax",
    "ucm": "capacity.models.ucm:Ucm",
    "stl": "capacity.models.stl:Stl",
    "theta": "capacity.models.theta:Theta",
}


def load_model(name: str) -> Model:
    """Return the model called ``name``.

    Raises
    ------
    ParameterError
        There is none of that name.
    """
    if name not in MODELS:
        known = (AUTO, *MODELS)
        raise ParameterError(f"unknown model {name!r}.{did_you_mean(name, known)}", hint=f"One of {', '.join(known)}.")
    module, _, attribute = MODELS[name].partition(":")
    model: Model = getattr(import_module(module), attribute)()
    return model
