"""Features of all layers in one forward pass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Optional

import torch
from torch import nn

from .pooling import UnusableOutput, pool, prefix_tokens_of, tensor_of
from .randomness import FORWARD_PURPOSE, seeded
from .selection import LayersLike, is_exact, select_layers
from .undisturbed import device_and_type, undisturbed

Forward = Callable[[nn.Module, torch.Tensor], object]


@dataclass(frozen=True)
class Features:
    """Features [rows, d] by layer, shallow to deep, on the CPU; how each was pooled; which layers could not be used and why."""

    by_layer: Dict[str, torch.Tensor]
    pooling: Dict[str, str]
    left_out: Dict[str, str]


def extract_features(
    model: nn.Module,
    batches: Iterable[torch.Tensor],
    layers: LayersLike = "auto",
    forward: Optional[Forward] = None,
    tokens: str = "patch_mean",
    seed: int = 0,
) -> Features:
    """What each layer makes of the batches [rows, ...], one vector a row, in evaluation mode; the model is left as it was.

    layers: "auto", patterns or names (see `select_layers`). Their order is that of their first call, or that of a list of plain names.
    forward: how the model is run on a batch; default `model(batch)`, and for a masked autoencoder its encoder with all patches.
    Random numbers that the forward pass draws follow from `seed` and the batch's number: the same at every checkpoint.

    Raises ValueError when a named layer does not exist, is not called, or gives something that is no vector a row.
    """
    with undisturbed(model) as plain:
        names = select_layers(plain, layers)
        reader = _Reader(plain, names, tokens)
        run = forward or default_forward(plain)
        device, kind = device_and_type(plain)
        try:
            for number, batch in enumerate(batches):
                inputs = batch.to(device=device, dtype=kind if batch.is_floating_point() else None, non_blocking=True)
                with seeded(FORWARD_PURPOSE, seed, number):
                    reader.read(lambda inputs=inputs: run(plain, inputs), len(batch), explained=forward is None)
        finally:
            reader.close()
    return reader.features(exact=is_exact(layers), required=layers != "auto")


def default_forward(model: nn.Module) -> Forward:
    """`model(batch)`; for a masked autoencoder (`forward_encoder(images, mask_ratio)`) the encoder on all patches."""
    encoder = getattr(model, "forward_encoder", None)
    if callable(encoder) and "mask_ratio" in inspect.signature(encoder).parameters:
        return lambda plain, batch: plain.forward_encoder(batch, mask_ratio=0.0)
    return lambda plain, batch: plain(batch)


class _Reader:
    """Collects pooled outputs of modules by hooks, one list of batches a layer."""

    def __init__(self, model: nn.Module, names: List[str], tokens: str):
        self.names = names
        self.tokens = tokens
        self.prefix_tokens = prefix_tokens_of(model)
        self.batches: Dict[str, List[torch.Tensor]] = {}
        self.pooling: Dict[str, str] = {}
        self.left_out: Dict[str, str] = {}
        self.current: Dict[str, torch.Tensor] = {}
        self.rows = 0
        modules = dict(model.named_modules())
        self.handles = [modules[name].register_forward_hook(self._hook(name)) for name in names]

    def _hook(self, name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: object, output: object) -> None:
            if name in self.left_out:
                return
            try:
                # A module that is called more than once gives its last output.
                self.current[name], self.pooling[name] = pool(tensor_of(output), module, self.rows, self.tokens, self.prefix_tokens)
            except UnusableOutput as reason:
                self.left_out[name] = str(reason)

        return keep

    def read(self, run: Callable[[], object], rows: int, explained: bool) -> None:
        self.rows = rows
        self.current = {}
        try:
            run()
        except (TypeError, RuntimeError, ValueError, AttributeError) as error:
            if not explained:
                raise
            raise RuntimeError(f"the model cannot be run on a batch of views ({error}); pass forward=lambda model, views: ... to say how it is run") from error
        for name, values in self.current.items():
            self.batches.setdefault(name, []).append(values.detach().to("cpu"))

    def features(self, exact: bool, required: bool) -> Features:
        by_layer = {name: torch.cat(parts) for name, parts in self.batches.items() if name not in self.left_out}
        for name in self.names:
            if name not in by_layer:
                self.left_out.setdefault(name, "it is not called in the forward pass")
        if self.left_out and (required or not by_layer):
            reasons = "; ".join(f"layer {name}: {reason}" for name, reason in self.left_out.items())
            raise ValueError(f"no features can be recorded of {reasons}")
        if exact:
            by_layer = {name: by_layer[name] for name in self.names}
        return Features(by_layer, {name: self.pooling[name] for name in by_layer}, dict(self.left_out))

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()
