"""Random numbers that a slice and the whole agree on, and noise that hangs together in time."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from capacity.simulate.clock import Floats

__all__ = ["ar1", "generator", "spread"]


def generator(seed: int, *key: object) -> np.random.Generator:
    """Return the generator that belongs to ``seed`` and ``key`` (metric, labels, block), whatever was drawn before.

    Philox is counter-based (Salmon et al. 2011): every key is a stream of its own, so nothing depends on the order of
    drawing.
    """
    digest = hashlib.blake2b(repr((seed, *key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def ar1(shocks: Floats, *, memory: float) -> Floats:
    """Turn independent standard normals into a stationary AR(1) of unit variance, along the first axis.

    ``memory`` is the number of steps after which the correlation has fallen to 1/e; 0 leaves the shocks as they are.
    """
    if memory <= 0:
        return shocks
    phi = float(np.exp(-1.0 / memory))
    gain = np.sqrt((1 + phi) / (1 - phi))
    started = shocks.copy()
    started[0] /= gain  # so that the first value has the variance of all the others
    # the recursion of an exponentially weighted mean, x = φ x + (1 − φ) e, is an AR(1) up to its scale
    smooth = pd.DataFrame(started).ewm(alpha=1 - phi, adjust=False).mean().to_numpy()
    return np.asarray(smooth.reshape(shocks.shape) * gain, dtype=float)


def spread(seed: int, *key: object, low: float, high: float) -> float:
    """Draw one number between ``low`` and ``high``: how a parameter differs from seed to seed."""
    return float(generator(seed, "spread", *key).uniform(low, high))
