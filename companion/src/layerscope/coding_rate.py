"""Coding rate and coding rate reduction (Yu et al. 2020, arXiv 2006.08558), also over the rows of many processes.

    R  = 1/2 logdet(I + d/(n eps2) Z'Z)                        n rows of length 1, d columns
    Rc = sum_j n_j/(2n) logdet(I + d/(n_j eps2) Z_j Z_j')      all views of one sample are one class
    dR = R - Rc                                                nats

Over many processes, Z'Z is a sum over all rows and Rc one over samples: a coding rate of any number of rows costs one reduction of d x d numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

import torch
from torch import nn

from .features import Forward, extract_features
from .selection import LayersLike

EPS2 = 0.5
"""epsilon squared, as in the commands of the MCR2 paper; the extension's default."""


@dataclass(frozen=True)
class CodingRates:
    """In nats; None where a row has no direction or is not finite, and `reason` says so. `views` is the smallest number of a sample."""

    rate: Optional[float]
    rate_within: Optional[float]
    rows: int
    width: int
    views: int
    samples: int
    eps2: float
    reason: Optional[str] = None

    @property
    def reduction(self) -> Optional[float]:
        return None if self.rate is None or self.rate_within is None else self.rate - self.rate_within

    @property
    def normalized(self) -> Optional[float]:
        """Reduction as a share of `coding_rate_bound`."""
        return None if self.reduction is None else self.reduction / coding_rate_bound(self.rows, self.width, self.eps2)


def coding_rate_bound(rows: int, width: int, eps2: float) -> float:
    """Largest possible coding rate of rows of length 1: that of an even spectrum, in nats."""
    if rows >= width:
        return width / 2 * math.log1p(1 / eps2)
    return rows / 2 * math.log1p(width / (rows * eps2))


def half_log_determinant(moments: torch.Tensor, scale: float) -> torch.Tensor:
    """1/2 logdet(I + scale * M) of symmetric matrices [..., k, k], by Cholesky; differentiable."""
    shifted = torch.eye(moments.shape[-1], dtype=moments.dtype, device=moments.device) + scale * moments
    return torch.linalg.cholesky(shifted).diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)


def coding_rate(features: torch.Tensor, eps2: float = EPS2) -> torch.Tensor:
    """R of rows [n, d], which are scaled to length 1; differentiable, on the smaller side. In the precision of the rows."""
    rows = nn.functional.normalize(features, dim=-1)
    count, width = rows.shape
    moments = rows @ rows.t() if count < width else rows.t() @ rows
    return half_log_determinant(moments, width / (count * eps2))


def coding_rate_within(features: torch.Tensor, eps2: float = EPS2) -> torch.Tensor:
    """Rc of [samples, views, d], the views of a sample being one class; differentiable."""
    rows = nn.functional.normalize(features, dim=-1)
    views, width = rows.shape[1:]
    moments = rows @ rows.transpose(1, 2) if views < width else rows.transpose(1, 2) @ rows
    return half_log_determinant(moments, width / (views * eps2)).mean()


def coding_rate_reduction(features: torch.Tensor, eps2: float = EPS2) -> torch.Tensor:
    """dR of [samples, views, d] in nats; differentiable. Larger means samples are spread out and their views agree."""
    return coding_rate(features.flatten(0, 1), eps2) - coding_rate_within(features, eps2)


class CodingRateAccumulator:
    """Coding rates of more rows than fit into memory, or than one process has.

    eps2: epsilon squared. All arithmetic is in float64, on the device of the features (on the CPU where that has no float64).
    """

    def __init__(self, eps2: float = EPS2):
        if not (eps2 > 0 and math.isfinite(eps2)):
            raise ValueError(f"eps2 must be a positive number, not {eps2}")
        self.eps2 = eps2
        self.moments: Optional[torch.Tensor] = None
        self.within = 0.0
        self.rows = 0
        self.samples = 0
        self.views: Optional[int] = None
        self.not_finite = 0
        self.all_zero = 0

    def add(self, features: torch.Tensor) -> None:
        """Adds [samples, views, d]: all views of these samples. Samples with other numbers of views come in other calls."""
        if features.dim() != 3 or 0 in features.shape:
            raise ValueError(f"features are [samples, views, d], not {list(features.shape)}")
        samples, views, width = features.shape
        if self.moments is not None and self.moments.shape[0] != width:
            raise ValueError(f"features have the width {width}, but {self.moments.shape[0]} before")
        values = features.detach()
        values = (values.cpu() if values.device.type == "mps" else values).double()
        finite = torch.isfinite(values).all(dim=-1)
        self.not_finite += int((~finite).sum())
        self.all_zero += int((finite & (values == 0).all(dim=-1)).sum())
        rows = nn.functional.normalize(values, dim=-1, eps=torch.finfo(torch.float64).tiny)
        self.rows += samples * views
        self.samples += samples
        self.views = views if self.views is None else min(self.views, views)
        moments = torch.einsum("svi,svj->ij", rows, rows)
        self.moments = moments if self.moments is None else self.moments + moments
        if self.not_finite == 0:
            self.within += views * samples * float(coding_rate_within(rows, self.eps2))

    def compute(self, group: Optional[object] = None) -> CodingRates:
        """The rates of all rows that were added, on every process of `group` (default: all); every process has to call it.

        Raises ValueError when no process has rows or their widths differ.
        """
        width = self.moments.shape[0] if self.moments is not None else 0
        totals = [self.within, self.rows, self.samples, self.not_finite, self.all_zero]
        views, moments = self.views, self.moments
        if _is_distributed():
            distributed = torch.distributed
            gathered: List[Optional[tuple]] = [None] * distributed.get_world_size(group)
            distributed.all_gather_object(gathered, (width, views, totals), group=group)
            known = [part for part in gathered if part is not None and part[0] > 0]
            widths = {part[0] for part in known}
            if len(widths) > 1:
                raise ValueError(f"the width of the features differs between processes: {sorted(widths)}")
            width = widths.pop() if widths else 0
            views = min((part[1] for part in known), default=None)
            totals = [sum(part[2][index] for part in known) for index in range(len(totals))]
            if width > 0:
                moments = torch.zeros(width, width, dtype=torch.float64) if moments is None else moments.clone()
                moments = _on_device_of_group(moments, group)
                distributed.all_reduce(moments, group=group)
        if moments is None or views is None:
            raise ValueError("no features were added")
        within, rows, samples, not_finite, all_zero = totals
        about = {"rows": int(rows), "width": width, "views": views, "samples": int(samples), "eps2": self.eps2}
        if not_finite > 0 or all_zero > 0:
            what = f"{int(not_finite)} of {int(rows)} rows are NaN or infinite." if not_finite > 0 else \
                f"{int(all_zero)} of {int(rows)} rows are all zero and so without direction."
            return CodingRates(None, None, reason=what, **about)
        rate = float(half_log_determinant(moments, width / (rows * self.eps2)))
        return CodingRates(rate, within / rows, **about)


def measure_coding_rates(
    model: nn.Module,
    batches: Iterable[torch.Tensor],
    layers: LayersLike = "auto",
    eps2: float = EPS2,
    forward: Optional[Forward] = None,
    tokens: str = "patch_mean",
    seed: int = 0,
    group: Optional[object] = None,
) -> Dict[str, CodingRates]:
    """Coding rates by layer of views that are spread over the processes of `group`; training goes on as if nothing had happened.

    batches: this process's share, [samples, views, ...] each. Every process has to call it; the answer is the same on all.
    """
    accumulators: Dict[str, CodingRateAccumulator] = {}
    for batch in batches:
        samples, views = batch.shape[:2]
        features = extract_features(model, [batch.flatten(0, 1)], layers, forward, tokens, seed)
        for layer, values in features.by_layer.items():
            accumulators.setdefault(layer, CodingRateAccumulator(eps2)).add(values.reshape(samples, views, -1))
    names = list(accumulators)
    if _is_distributed():
        # A process without a share does not know the layers.
        everywhere: List[Optional[List[str]]] = [None] * torch.distributed.get_world_size(group)
        torch.distributed.all_gather_object(everywhere, names, group=group)
        names = list(dict.fromkeys(name for part in everywhere for name in part or []))
    return {name: accumulators.get(name, CodingRateAccumulator(eps2)).compute(group) for name in names}


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _on_device_of_group(values: torch.Tensor, group: Optional[object]) -> torch.Tensor:
    """NCCL reduces tensors on GPUs only."""
    if torch.distributed.get_backend(group) == "nccl" and not values.is_cuda:
        return values.cuda()
    return values
