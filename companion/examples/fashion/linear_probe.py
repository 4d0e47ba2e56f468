"""The accuracy of a linear classifier on frozen features: what a representation is worth, measured with many labels."""

from typing import Dict, Mapping, Tuple

import torch
import torch.nn.functional as functional

from layerscope.features import extract_features

Part = Tuple[torch.Tensor, torch.Tensor]
"""Images [count, 1, 28, 28], normalised, and labels [count]."""


def held_out_accuracies(network: torch.nn.Module, layers: Tuple[str, ...], fit: Part, test: Part) -> Dict[str, float]:
    """By layer: share of `test` that softmax regression on the standardised features of `fit` classifies rightly."""
    of_fit, of_test = (extract_features(network, part[0].split(500), layers).by_layer for part in (fit, test))
    return {layer: accuracy(of_fit[layer], fit[1], of_test[layer], test[1]) for layer in layers}


def accuracy(fit: torch.Tensor, fit_labels: torch.Tensor, test: torch.Tensor, test_labels: torch.Tensor, l2: float = 1e-3) -> float:
    mean, deviation = fit.mean(dim=0), fit.std(dim=0).clamp(min=1e-6)
    rows, others = ((part - mean) / deviation for part in (fit, test))
    classes = int(fit_labels.max()) + 1
    weights = torch.zeros(rows.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=60, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(rows @ weights + bias, fit_labels) + l2 / 2 * weights.pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return float(((others @ weights + bias).argmax(dim=1) == test_labels).float().mean())


def rounded(accuracies: Mapping[str, float]) -> Dict[str, float]:
    """As log entries: `linear_probe/<layer>`."""
    return {f"linear_probe/{layer}": round(value, 4) for layer, value in accuracies.items()}
