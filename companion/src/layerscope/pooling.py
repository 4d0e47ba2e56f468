"""One vector a row of whatever a layer gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, Tuple

import torch
from torch import nn

TOKENS = ("patch_mean", "cls", "mean")
"""What stands for a sequence of tokens: mean of the patch tokens (without class and register tokens), class token, mean of all."""


class UnusableOutput(ValueError):
    """A layer whose output cannot be made one vector a row."""


def tensor_of(output: object) -> torch.Tensor:
    """The tensor in what a module returns: itself, `last_hidden_state`, or the first one. Raises UnusableOutput when there is none."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        output = [output["last_hidden_state"]] if "last_hidden_state" in output else list(output.values())
    if isinstance(output, (list, tuple)):
        for part in output:
            if isinstance(part, torch.Tensor):
                return part
    raise UnusableOutput(f"it gives {type(output).__name__}, in which there is no tensor")


def pool(values: torch.Tensor, module: nn.Module, rows: Optional[int], tokens: str, prefix_tokens: int) -> Tuple[torch.Tensor, str]:
    """[rows, d] features and what was done, in words.

    values: [N, C, H, W] (or [N, H, W, C] of modules that normalize their last axis), [N, C, T, H, W], [N, C, L] of a 1-D convolution,
    [N, T, D] tokens (or [T, N, D]), or [N, D]. rows: N, or None when any is fine. Half precision is averaged in float32.

    Raises UnusableOutput with the reason.
    """
    if tokens not in TOKENS:
        raise ValueError(f"tokens is one of {', '.join(TOKENS)}, not {tokens!r}")
    if not values.is_floating_point():
        raise UnusableOutput(f"it gives {values.dtype}, not floating-point numbers")
    shape = list(values.shape)
    if rows is not None and (values.dim() < 2 or rows not in shape[:2]):
        raise UnusableOutput(f"its output of shape {shape} has no axis of {rows} rows")
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    if values.dim() == 2:
        return values, "as is"
    if values.dim() == 3 and not _has(module, nn.Conv1d):
        if rows is not None and shape[0] != rows:
            values = values.transpose(0, 1)
        return _pool_tokens(values, tokens, prefix_tokens)
    if rows is not None and shape[0] != rows:
        raise UnusableOutput(f"its output of shape {shape} does not have one row a view first")
    if values.dim() == 4 and _is_channels_last(module, shape):
        return values.mean(dim=(1, 2)), "mean over positions, channels last"
    if values.dim() in (3, 4, 5):
        return values.flatten(2).mean(dim=2), "mean over positions"
    raise UnusableOutput(f"its output has {values.dim()} axes {shape}")


def _pool_tokens(values: torch.Tensor, tokens: str, prefix_tokens: int) -> Tuple[torch.Tensor, str]:
    if tokens == "cls":
        if prefix_tokens < 1:
            raise UnusableOutput("the model has no class token")
        return values[:, 0], "class token"
    if tokens == "patch_mean" and 0 < prefix_tokens < values.shape[1]:
        return values[:, prefix_tokens:].mean(dim=1), f"mean of patch tokens, without the first {prefix_tokens}"
    return values.mean(dim=1), "mean of tokens"


def prefix_tokens_of(model: nn.Module) -> int:
    """How many tokens before those of the patches a vision transformer has: class, distillation and register tokens."""
    for module in model.modules():
        count = getattr(module, "num_prefix_tokens", None)
        if isinstance(count, int):
            return count
    found = 0
    for name, parameter in model.named_parameters():
        last = name.rsplit(".", 1)[-1]
        if name.startswith("decoder"):
            continue
        if last in ("cls_token", "class_token", "dist_token", "distillation_token"):
            found += 1
        elif last in ("reg_token", "register_tokens") and parameter.dim() >= 2:
            found += parameter.shape[-2]
    return found


def _has(module: nn.Module, kind: type) -> bool:
    return any(isinstance(part, kind) for part in module.modules())


def _is_channels_last(module: nn.Module, shape: list) -> bool:
    """Layer normalization works on the last axis; convolution and batch normalization tell the channels of the second."""
    normalizes_last = normalizes_second = False
    for part in module.modules():
        if isinstance(part, nn.LayerNorm):
            normalizes_last |= part.normalized_shape[-1] == shape[-1]
        elif isinstance(part, (nn.Conv2d, nn.BatchNorm2d, nn.GroupNorm)):
            channels = part.out_channels if isinstance(part, nn.Conv2d) else getattr(part, "num_features", None) or getattr(part, "num_channels", None)
            normalizes_second |= channels == shape[1]
    return normalizes_last and not normalizes_second
