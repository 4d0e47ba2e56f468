"""The loss around a trained model in two random directions (Li et al. 2018; for masked autoencoders Lee et al., arXiv 2405.18042).

    f(a, b) = L(theta + a delta + b eta)

delta and eta are Gaussian and filter-normalized: of tensors with two axes or more, each slice along axis 0 has the length of that slice of theta;
tensors with one axis (biases, normalizations) and tables (position embeddings, class, mask and register tokens) stay fixed. Then eta is made orthogonal
to delta, which the reference leaves out. Images, masks and everything else random are the same at every point.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch
from torch import nn

from .files import PathLike
from .randomness import DIRECTION_PURPOSE, LOSS_PURPOSE, seed_of, seeded
from .tensor_files import write_npz
from .undisturbed import undisturbed, unwrapped

TABLES = (
    "pos_embed", "decoder_pos_embed", "pos_embedding", "position_embeddings", "decoder_position_embeddings",
    "cls_token", "class_token", "dist_token", "mask_token", "reg_token", "register_tokens",
)
"""Last parts of the names of parameters that are no filters, whatever their shape."""

BatchLoss = Callable[[nn.Module, Any], torch.Tensor]
Direction = Dict[str, torch.Tensor]


@dataclass(frozen=True)
class Surface:
    """loss [y, x] float64: loss[i, j] is f(a = x[j], b = y[i]), NaN or infinite where the loss is."""

    loss: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    seed: int
    options: Dict[str, object]

    def save(self, path: PathLike) -> None:
        """Writes an `.npz` with `loss`, `x`, `y`, `seed`, `options` (JSON) and `layerscope_surface` = "1"."""
        write_npz(path, {
            "loss": self.loss, "x": self.x, "y": self.y, "seed": torch.tensor(self.seed, dtype=torch.int64),
            "options": json.dumps(self.options, sort_keys=True), "layerscope_surface": "1",
        })


def filter_normalized_directions(model: nn.Module, seed: int = 0, tables: Sequence[str] = TABLES) -> Tuple[Direction, Direction]:
    """delta and eta by name of the parameters that move, in their types and on their devices; of one seed the same on every device."""
    generator = torch.Generator().manual_seed(seed_of(DIRECTION_PURPOSE, seed))
    moving = {
        name: parameter.detach()
        for name, parameter in unwrapped(model).named_parameters()
        if parameter.dim() >= 2 and parameter.is_floating_point() and name.rsplit(".", 1)[-1] not in tables
    }
    if not moving:
        raise ValueError("the model has no parameter with two axes or more to move along")
    first, second = ({name: _filter_normalized(parameter, generator) for name, parameter in moving.items()} for _ in range(2))
    share = _inner_product(first, second) / _inner_product(first, first)
    second = {name: values - share * first[name] for name, values in second.items()}
    return tuple({name: values.to(moving[name]) for name, values in direction.items()} for direction in (first, second))  # type: ignore[return-value]


def loss_surface(
    model: nn.Module,
    batches: Sequence[Any],
    loss: BatchLoss,
    *,
    grid: int = 25,
    reach: float = 1.0,
    seed: int = 0,
    tables: Sequence[str] = TABLES,
    on_point: Optional[Callable[[int, int], None]] = None,
) -> Surface:
    """The loss on a grid of `grid` x `grid` points with both coordinates in [-reach, reach], on the model's device.

    batches: the same at every point; kept in memory, on the model's device.
    loss: mean loss of a batch, `loss(model, batch)`; random numbers in it (masks) follow from `seed` and the batch's number.
        Its mean over batches is weighted by their size. The model is in evaluation mode, so that running statistics are used and not changed.
    on_point: called with the number of finished points and of all.

    Parameters are bit for bit what they were afterwards, also after an error.
    """
    if grid < 2 or grid % 2 == 0:
        raise ValueError(f"a grid has an odd number of points of at least 3, so that the model itself is one of them; not {grid}")
    if not reach > 0:
        raise ValueError(f"the reach is positive, not {reach}")
    batches = list(batches)
    if not batches:
        raise ValueError("there are no batches to take the loss of")
    # Not linspace: the middle has to be exactly 0.
    half = grid // 2
    axis = torch.arange(-half, half + 1, dtype=torch.float64) * (reach / half)
    values = torch.empty(grid, grid, dtype=torch.float64)
    with undisturbed(model) as plain:
        first, second = filter_normalized_directions(plain, seed, tables)
        parameters = dict(plain.named_parameters())
        origin = {name: parameters[name].detach().clone() for name in first}
        try:
            for row, b in enumerate(axis.tolist()):
                for column, a in enumerate(axis.tolist()):
                    for name, start in origin.items():
                        parameters[name].data.copy_(start).add_(first[name], alpha=a).add_(second[name], alpha=b)
                    values[row, column] = _mean_loss(plain, batches, loss, seed)
                    if on_point is not None:
                        on_point(row * grid + column + 1, grid * grid)
        finally:
            for name, start in origin.items():
                parameters[name].data.copy_(start)
    return Surface(values, axis, axis.clone(), seed, {
        "grid": grid,
        "reach": reach,
        "directions": "gaussian",
        "normalization": "filter",
        "orthogonal": True,
        "fixed": "tensors with one axis; tables",
        "tables": list(tables),
        "batches": len(batches),
        "samples": sum(_size(batch) for batch in batches),
        "generator": f"torch {torch.__version__} cpu",
    })


def _mean_loss(model: nn.Module, batches: List[Any], loss: BatchLoss, seed: int) -> float:
    total, count = 0.0, 0
    for number, batch in enumerate(batches):
        with seeded(LOSS_PURPOSE, seed, number):
            total += float(loss(model, batch)) * _size(batch)
        count += _size(batch)
    return total / count


def _filter_normalized(parameter: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Gaussian numbers of the parameter's shape in float32, each slice along axis 0 of the length of the parameter's slice."""
    values = torch.randn(parameter.shape, generator=generator)
    lengths = parameter.to("cpu", torch.float32).flatten(1).norm(dim=1)
    own = values.flatten(1).norm(dim=1).clamp_min(1e-30)
    return values * (lengths / own).reshape(-1, *[1] * (parameter.dim() - 1))


def _inner_product(first: Direction, second: Direction) -> float:
    return sum(float((first[name].double() * second[name].double()).sum()) for name in first)


def _size(batch: Any) -> int:
    """Samples in a batch: the length of the first tensor in it."""
    if isinstance(batch, dict):
        batch = next(iter(batch.values()))
    while isinstance(batch, (list, tuple)):
        batch = batch[0]
    return len(batch)
