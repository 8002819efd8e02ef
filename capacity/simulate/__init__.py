"""Simulated telemetry by seed, with its truth: processes whose continuation is drawn, and never shown to a model."""

from capacity.simulate.dwcp import AS_OF, Demo, demo
from capacity.simulate.fates import Fate
from capacity.simulate.services import Erring, Saturating, erring, saturating

__all__ = ["AS_OF", "Demo", "Erring", "Fate", "Saturating", "demo", "erring", "saturating"]
