"""Chooses split layer, beta, gamma and steps of UMM on a small budget, and writes down how."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

import torch
from torch import nn

from .coding_rate import CodingRateAccumulator
from .files import PathLike, written_atomically
from .pooling import pool, prefix_tokens_of, tensor_of
from .randomness import LOSS_PURPOSE, TUNER_PURPOSE, preserved_random_state, seed_of, seeded
from .umm import SslLoss, UmmSettings, finetune
from .undisturbed import undisturbed, unwrapped

Evaluate = Callable[[nn.Module], Optional[float]]
"""How good a model is, larger being better; None refuses it."""


@dataclass(frozen=True)
class UmmTrial:
    """One setting after some steps; `score` is None where it was refused or the training diverged."""

    settings: UmmSettings
    score: Optional[float]


@dataclass(frozen=True)
class UmmChoice:
    """The best trial, and what it is better than. Steps are 0 when no trial was better than the model as it is."""

    settings: UmmSettings
    score: Optional[float]
    untouched: Optional[float]
    trials: List[UmmTrial]


def tune(
    model: nn.Module,
    loader: Iterable[Any],
    ssl_loss: SslLoss,
    evaluate: Evaluate,
    settings: UmmSettings,
    *,
    splits: Optional[Sequence[str]] = None,
    betas: Sequence[float] = (0.1, 1.0, 10.0),
    gammas: Sequence[float] = (1e-3, 1e-2, 1e-1),
    learning_rates: Optional[Sequence[float]] = None,
    steps: Sequence[int] = (20, 50, 100),
    trials: int = 8,
    seed: int = 0,
    after_step: Optional[Callable[[nn.Module, int], None]] = None,
    record: Optional[PathLike] = None,
) -> UmmChoice:
    """Tries settings on the model, each from the state it has now, and gives the best; the model is left as it was.

    evaluate: score of a model, for example the accuracy of a linear probe on held-out samples, or `held_out_reduction`.
    settings: everything that is not tried, and the split when `splits` is None.
    splits, betas, gammas, learning_rates: what is tried; of more combinations than `trials`, that many drawn by `seed`.
    steps: numbers of steps after which a trial is scored; its training goes on to the largest.
    record: JSON file for the choice, all trials and what they were drawn from.
    """
    milestones = sorted(set(steps))
    if not milestones or milestones[0] < 1:
        raise ValueError(f"trials are scored after at least 1 step, not {list(steps)}")
    combinations = [
        replace(settings, split=split, beta=beta, gamma=gamma, learning_rate=rate, steps=milestones[-1])
        for split, beta, gamma, rate in itertools.product(splits or [settings.split], betas, gammas, learning_rates or [settings.learning_rate])
    ]
    tried = combinations if len(combinations) <= trials else random.Random(seed_of(TUNER_PURPOSE, seed)).sample(combinations, trials)
    state = {name: value.detach().clone() for name, value in unwrapped(model).state_dict().items()}
    found: List[UmmTrial] = []
    try:
        with seeded(TUNER_PURPOSE, seed, 0), _kept_modes(model):
            untouched = _finite(evaluate(model))
        for number, wanted in enumerate(tried, start=1):
            def follow(trained: nn.Module, step: int, wanted: UmmSettings = wanted) -> None:
                if after_step is not None:
                    after_step(trained, step)
                if step in milestones:
                    with preserved_random_state(), _kept_modes(trained):
                        found.append(UmmTrial(replace(wanted, steps=step), _finite(evaluate(trained))))

            with seeded(TUNER_PURPOSE, seed, number):
                try:
                    finetune(model, loader, ssl_loss, wanted, after_step=follow)
                except torch.linalg.LinAlgError:
                    # The features became NaN, of which there is no determinant.
                    found.append(UmmTrial(wanted, None))
            unwrapped(model).load_state_dict(state)
    finally:
        unwrapped(model).load_state_dict(state)
    scored = [trial for trial in found if trial.score is not None]
    best = max(scored, key=lambda trial: trial.score, default=None)
    if best is None or (untouched is not None and best.score <= untouched):
        best = UmmTrial(replace(settings, steps=0), untouched)
    choice = UmmChoice(best.settings, best.score, untouched, found)
    if record is not None:
        _write(record, choice, {
            "splits": list(splits or [settings.split]), "betas": list(betas), "gammas": list(gammas),
            "learning_rates": list(learning_rates or [settings.learning_rate]), "steps": milestones, "trials": trials, "seed": seed,
        })
    return choice


def held_out_reduction(batches: Sequence[Any], ssl_loss: SslLoss, settings: UmmSettings, tolerance: float = 0.05) -> Evaluate:
    """A score without labels: dR (nats) of `settings.last` on held-out batches, refused where their SSL loss is worse than that of the first
    model that is scored by more than `tolerance` of its size. Held-out, because on training samples a large gamma always wins.
    """
    reference: List[float] = []

    def evaluate(model: nn.Module) -> Optional[float]:
        loss_sum, accumulator = 0.0, CodingRateAccumulator(settings.eps2)
        for number, batch in enumerate(batches):
            rows: List[torch.Tensor] = []
            with undisturbed(model) as plain:
                prefix = prefix_tokens_of(plain)
                layer = dict(plain.named_modules())[settings.last]
                handle = layer.register_forward_hook(
                    lambda module, inputs, output: rows.append(pool(tensor_of(output), module, None, settings.tokens, prefix)[0]))
                try:
                    with seeded(LOSS_PURPOSE, number):
                        loss_sum += float(ssl_loss(plain, batch))
                finally:
                    handle.remove()
            features = torch.cat(rows)
            accumulator.add(features.reshape(settings.views, len(features) // settings.views, -1).transpose(0, 1))
        loss = loss_sum / len(batches)
        if not reference:
            reference.append(loss)
        if not loss <= reference[0] + tolerance * abs(reference[0]):
            return None
        return accumulator.compute().reduction

    return evaluate


@contextlib.contextmanager
def _kept_modes(model: nn.Module) -> Iterator[None]:
    """An evaluation may leave the model in evaluation mode."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _finite(score: Optional[float]) -> Optional[float]:
    return None if score is None or not abs(float(score)) < float("inf") else float(score)


def _write(path: PathLike, choice: UmmChoice, searched: Dict[str, object]) -> None:
    document = {
        "layerscope": 1,
        "choice": {"settings": asdict(choice.settings), "score": choice.score},
        "untouched": choice.untouched,
        "searched": searched,
        "trials": [{"settings": asdict(trial.settings), "score": trial.score} for trial in choice.trials],
        "torch": str(torch.__version__),
    }
    with written_atomically(path) as file:
        file.write((json.dumps(document, indent=2, allow_nan=False) + "\n").encode())
