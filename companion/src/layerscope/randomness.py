"""Random numbers that depend on a seed and on what they are for, and on nothing that ran before.

The hash is that of the extension (src/metrics/random.ts), so that a sample has the same random label here and there.
"""

from __future__ import annotations

import contextlib
import random
import sys
from typing import Iterator

import torch

MASK = (1 << 64) - 1
LABEL_PURPOSE = 1
"""What a stream of numbers is for; 1 to 3 are the extension's."""
VIEW_PURPOSE = 101
CHOICE_PURPOSE = 102
FORWARD_PURPOSE = 103
DIRECTION_PURPOSE = 104
LOSS_PURPOSE = 105
TUNER_PURPOSE = 106
UMM_PURPOSE = 107


def mix64(value: int) -> int:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014)."""
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def hash64(*parts: int) -> int:
    """A 64-bit hash of whole numbers in order. Negative ones count modulo 2^64."""
    value = mix64(0)
    for part in parts:
        value = mix64(value ^ (part & MASK))
    return value


def seed_of(*parts: int) -> int:
    """A seed for a generator of PyTorch, in 0 .. 2^63 - 1."""
    return hash64(*parts) >> 1


def random_labels(seed: int, head: int, sample_ids: torch.Tensor, classes: int) -> torch.Tensor:
    """Random labels in 0 .. classes-1 of samples for one head, int64 of the shape of `sample_ids`; the extension's randomLabel.

    Arithmetic in int64 wraps modulo 2^64, as the hash wants it.
    """
    if classes < 2:
        raise ValueError(f"random labels need at least 2 classes, not {classes}")
    prefix = hash64(LABEL_PURPOSE, seed, head)
    hashed = _mix64_of(sample_ids.to(torch.int64) ^ _signed(prefix))
    return (_shift_right(hashed, 32) * classes) >> 32


def _mix64_of(values: torch.Tensor) -> torch.Tensor:
    z = values + _signed(0x9E3779B97F4A7C15)
    z = (z ^ _shift_right(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shift_right(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shift_right(z, 31)


def _shift_right(values: torch.Tensor, bits: int) -> torch.Tensor:
    """Fills with zeros, where >> fills with the sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= (1 << 63) else value


@contextlib.contextmanager
def preserved_random_state() -> Iterator[None]:
    """Whatever the block draws from Python, NumPy or PyTorch (CPU, CUDA, MPS), all of them go on as if it had not run."""
    numpy = sys.modules.get("numpy")
    python_state = random.getstate()
    numpy_state = numpy.random.get_state() if numpy is not None else None
    cpu_state = torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if _cuda_is_used() else None
    mps_state = torch.mps.get_rng_state() if _mps_is_used() else None
    try:
        yield
    finally:
        random.setstate(python_state)
        if numpy_state is not None:
            numpy.random.set_state(numpy_state)
        torch.set_rng_state(cpu_state)
        if cuda_states is not None:
            torch.cuda.set_rng_state_all(cuda_states)
        if mps_state is not None:
            torch.mps.set_rng_state(mps_state)


@contextlib.contextmanager
def seeded(*parts: int) -> Iterator[None]:
    """Inside, every random number follows from `parts`; outside, nothing is changed."""
    with preserved_random_state():
        seed = seed_of(*parts)
        random.seed(seed)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            numpy.random.seed(seed & 0xFFFFFFFF)
        # Not torch.manual_seed: where CUDA has not been used yet, that would seed it for later.
        torch.default_generator.manual_seed(seed)
        if _cuda_is_used():
            torch.cuda.manual_seed_all(seed)
        if _mps_is_used():
            torch.mps.manual_seed(seed)
        yield


def _cuda_is_used() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_initialized()


def _mps_is_used() -> bool:
    return hasattr(torch, "mps") and hasattr(torch.backends, "mps") and torch.backends.mps.is_available()
