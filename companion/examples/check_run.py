#!/usr/bin/env python3
"""Prints, per layer and epoch, how differently a run treats training and held-out samples (NumPy only).

    dR          coding rate reduction (Yu et al. 2020) with all views of one sample as one class, rows L2-normalised
    alignment   mean squared distance between two views of one sample, rows L2-normalised (Wang & Isola 2020)
    gap         dR: training minus held-out; alignment: held-out minus training. Larger means more memorization.
    +-          bootstrap standard error over samples: training and held-out samples drawn again, each with all its views
    growth      gap minus the gap of the first recorded epoch. Its standard error uses the same drawn samples at both
                epochs, so a difference that lay in the choice of the samples from the start drops out.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from safetensors import safe_open

TRAIN, HELD_OUT = 0, 1
ONSET_ERRORS = 3.0


@dataclass
class SampleStatistics:
    """What one layer at one epoch contributes per sample of one split; everything else is a weighted mean of it."""

    grams: np.ndarray  # [samples, d, d], Z_j' Z_j / views
    rates_within: np.ndarray  # [samples], 1/2 logdet(I + d/(views*eps2) Z_j Z_j'), nats
    alignments: np.ndarray  # [samples]


def half_log_determinant(matrices: np.ndarray) -> np.ndarray:
    """1/2 log det of symmetric positive definite matrices [..., d, d], by Cholesky."""
    return np.log(np.diagonal(np.linalg.cholesky(matrices), axis1=-2, axis2=-1)).sum(axis=-1)


def sample_statistics(features: np.ndarray, eps2: float) -> SampleStatistics:
    """features: [samples, views, d], rows of any length."""
    views, width = features.shape[1:]
    rows = features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-12)
    scale = width / (views * eps2)
    return SampleStatistics(
        grams=np.einsum("svi,svj->sij", rows, rows) / views,
        rates_within=half_log_determinant(np.eye(views) + scale * np.einsum("sui,svi->suv", rows, rows)),
        # Sum of |x - y|^2 over all ordered pairs is 2 v^2 (mean |x|^2 - |mean x|^2).
        alignments=2.0 * views / (views - 1) * ((rows**2).sum(-1).mean(-1) - (rows.mean(axis=1) ** 2).sum(-1)),
    )


def coding_rate_reductions(statistics: SampleStatistics, weights: np.ndarray, eps2: float) -> np.ndarray:
    """dR in nats, [draws], for sample weights [draws, samples] that sum to 1 in every draw."""
    width = statistics.grams.shape[-1]
    covariance = np.tensordot(weights, statistics.grams, axes=1)
    return half_log_determinant(np.eye(width) + width / eps2 * covariance) - weights @ statistics.rates_within


def read_probe(path: Path) -> Tuple[int, Dict[str, Dict[int, np.ndarray]]]:
    """Epoch, and features [samples, views, d] by layer (shallow to deep) and split."""
    with safe_open(str(path), framework="numpy") as probe:
        metadata = probe.metadata()
        sample_id, split = probe.get_tensor("sample_id"), probe.get_tensor("split")
        order = np.argsort(sample_id, kind="stable")
        by_layer: Dict[str, Dict[int, np.ndarray]] = {}
        for layer in json.loads(metadata["layers"]):
            values = probe.get_tensor(layer).astype(np.float64)
            by_layer[layer] = {}
            for part in (TRAIN, HELD_OUT):
                chosen = order[split[order] == part]
                samples = len(np.unique(sample_id[chosen]))
                by_layer[layer][part] = values[chosen].reshape(samples, -1, values.shape[1])
    return int(metadata["epoch"]), by_layer


@dataclass
class Gap:
    """A gap on all samples, and the same on every bootstrap draw, [draws]."""

    value: float
    draws: np.ndarray

    @property
    def standard_error(self) -> float:
        return float(self.draws.std(ddof=1))

    def growth_since(self, first: "Gap") -> "Gap":
        return Gap(self.value - first.value, self.draws - first.draws)

    def __str__(self) -> str:
        return f"{self.value:8.3f} +- {self.standard_error:.3f}"


@dataclass
class Measurement:
    """One layer at one epoch; dR in nats, alignment in squared distances of unit rows."""

    epoch: int
    dr_train: float
    dr_held_out: float
    dr_gap: Gap
    alignment_gap: Gap


def measure(epoch: int, by_split: Dict[int, np.ndarray], draws: int, seed: int, eps2: float) -> Measurement:
    """The seed alone fixes which samples are drawn, so that draw number i is the same in every layer and epoch."""
    generator = np.random.RandomState(seed)
    dr, dr_draws, alignment, alignment_draws = {}, {}, {}, {}
    for part in (TRAIN, HELD_OUT):
        statistics = sample_statistics(by_split[part], eps2)
        samples = len(statistics.alignments)
        uniform = np.full((1, samples), 1.0 / samples)
        resampled = generator.multinomial(samples, uniform[0], size=draws) / samples
        dr[part] = float(coding_rate_reductions(statistics, uniform, eps2)[0])
        dr_draws[part] = coding_rate_reductions(statistics, resampled, eps2)
        alignment[part] = float(statistics.alignments.mean())
        alignment_draws[part] = resampled @ statistics.alignments
    return Measurement(
        epoch=epoch,
        dr_train=dr[TRAIN],
        dr_held_out=dr[HELD_OUT],
        dr_gap=Gap(dr[TRAIN] - dr[HELD_OUT], dr_draws[TRAIN] - dr_draws[HELD_OUT]),
        alignment_gap=Gap(alignment[HELD_OUT] - alignment[TRAIN], alignment_draws[HELD_OUT] - alignment_draws[TRAIN]),
    )


def onset(epochs: List[int], growths: List[Gap]) -> str:
    """First epoch from which on the growth stays beyond ONSET_ERRORS standard errors."""
    found = "never"
    for epoch, growth in zip(reversed(epochs), reversed(growths)):
        if growth.value <= ONSET_ERRORS * growth.standard_error:
            break
        found = str(epoch)
    return found


def print_table(measurements: Dict[str, List[Measurement]]) -> None:
    print(f"{'layer':<10}{'epoch':>6}{'dR train':>10}{'held-out':>10}{'gap':>9} +- s.e.{'growth':>10} +- s.e.{'alignment gap':>15} +- s.e.")
    for layer, series in measurements.items():
        for now in series:
            growth = now.dr_gap.growth_since(series[0].dr_gap)
            print(f"{layer:<10}{now.epoch:>6}{now.dr_train:>10.3f}{now.dr_held_out:>10.3f} {now.dr_gap}  {growth}      {now.alignment_gap}")
        print()


def print_summary(measurements: Dict[str, List[Measurement]]) -> None:
    print(f"Growth from the first to the last epoch; onset = from there on beyond {ONSET_ERRORS:g} standard errors")
    print(f"{'layer':<10}{'dR gap':>17}{'s.e.s':>9}{'onset':>7}{'alignment gap':>20}{'s.e.s':>9}{'onset':>7}")
    for layer, series in measurements.items():
        epochs = [now.epoch for now in series]
        line = f"{layer:<10}"
        for gaps in ([now.dr_gap for now in series], [now.alignment_gap for now in series]):
            growths = [gap.growth_since(gaps[0]) for gap in gaps]
            last = growths[-1]
            line += f"{str(last):>18}{last.value / max(last.standard_error, 1e-12):>8.1f}{onset(epochs, growths):>7}  "
        print(line.rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder that holds probes/*.safetensors")
    parser.add_argument("--eps2", type=float, default=0.5, help="epsilon squared of the coding rate (default: 0.5)")
    parser.add_argument("--draws", type=int, default=200, help="bootstrap draws (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (default: 0)")
    options = parser.parse_args()

    paths = list((options.run / "probes").glob("*.safetensors"))
    if not paths:
        raise SystemExit(f"no probe files in {options.run / 'probes'}")
    measurements: Dict[str, List[Measurement]] = {}
    for epoch, by_layer in sorted((read_probe(path) for path in paths), key=lambda probe: probe[0]):
        for layer, by_split in by_layer.items():
            result = measure(epoch, by_split, options.draws, options.seed, options.eps2)
            measurements.setdefault(layer, []).append(result)
    print_table(measurements)
    print_summary(measurements)


if __name__ == "__main__":
    main()
