"""Which modules of a model are its layers."""

from __future__ import annotations

import re
from typing import Dict, List, Pattern, Sequence, Union

from torch import nn

LayersLike = Union[str, Sequence[str]]

HEAD_NAMES = frozenset([
    "projector", "projection", "projection_head", "projection_mlp", "proj_head", "predictor", "prediction_head", "prediction_mlp",
    "head", "heads", "mlp_head", "fc", "classifier",
])
"""Modules outside of the blocks that count as one layer each: projectors, predictors, classifiers."""

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def select_layers(model: nn.Module, layers: LayersLike) -> List[str]:
    """Names of modules, in the order of the model's definition.

    "auto" selects the repeated blocks (`layer1.0` of a ResNet, `blocks.0` of a ViT, `encoder.layer.0` of Hugging Face's ViT) and the
    heads after them; a model without repeated blocks gives its convolutions and linear layers. Otherwise names or patterns:
    `*` stands for anything within one part of a dotted name, `**` for any number of parts.

    Raises ValueError naming a pattern without a match.
    """
    if layers == "auto":
        return _automatic(model)
    patterns = [layers] if isinstance(layers, str) else list(layers)
    names = [name for name, _ in model.named_modules() if name != ""]
    selected: Dict[str, None] = {}
    for pattern in patterns:
        matching = _matching(pattern, names)
        if not matching:
            known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise ValueError(f"no module of {type(model).__name__} matches {pattern!r}; there are {known}")
        selected.update(dict.fromkeys(matching))
    if not selected:
        raise ValueError("no layer is named")
    return list(selected)


def is_exact(layers: LayersLike) -> bool:
    """Whether layers are named one by one, so that their order is meant and each has to be there."""
    return not isinstance(layers, str) and not any(character in name for name in layers for character in "*?[")


def _matching(pattern: str, names: Sequence[str]) -> List[str]:
    if pattern in names:
        return [pattern]
    expression = _expression(pattern)
    return [name for name in names if expression.fullmatch(name)]


def _expression(pattern: str) -> Pattern[str]:
    parts = [r"[^.]+(?:\.[^.]+)*" if part == "**" else _part_expression(part) for part in pattern.split(".")]
    return re.compile(r"\.".join(parts))


def _part_expression(part: str) -> str:
    """As fnmatch has it, except that `*` and `?` do not stand for dots."""
    pieces = re.split(r"(\*|\?|\[!?[^\]]+\])", part)
    wildcards = {"*": "[^.]*", "?": "[^.]"}
    return "".join(wildcards.get(piece) or (piece.replace("[!", "[^", 1) if index % 2 else re.escape(piece)) for index, piece in enumerate(pieces))


def _automatic(model: nn.Module) -> List[str]:
    blocks = _repeated_blocks(model)
    if not blocks:
        return [name for name, module in model.named_modules() if name != "" and _has_weight_matrix(module)]
    inside = tuple(f"{name}." for name in blocks)
    heads: List[str] = []
    for name, module in model.named_modules():
        last = name.rsplit(".", 1)[-1]
        # The projection of patches is no head.
        if last not in HEAD_NAMES or "embed" in name or name in blocks or name.startswith(inside) or name.startswith(tuple(f"{head}." for head in heads)):
            continue
        # A wrapper may be called "head" and hold the whole network.
        if any(parameter.numel() > 0 for parameter in module.parameters()) and not any(block.startswith(f"{name}.") for block in blocks):
            heads.append(name)
    order = {name: index for index, (name, _) in enumerate(model.named_modules())}
    return sorted([*blocks, *heads], key=order.__getitem__)


def _repeated_blocks(model: nn.Module) -> List[str]:
    """Modules of one class in one container; of nested ones (stages of blocks) the innermost."""
    found: List[str] = []
    lonely: Dict[str, type] = {}

    def look_into(module: nn.Module, prefix: str) -> int:
        count = 0
        for name, child in module.named_children():
            count += look_into(child, f"{prefix}{name}.")
        if count > 0 or not isinstance(module, _CONTAINERS):
            return count
        children = list(module.named_children())
        kinds = {type(child) for _, child in children}
        if len(kinds) != 1 or isinstance(children[0][1], _CONTAINERS) or not all(any(True for _ in child.children()) for _, child in children):
            return 0
        names = [f"{prefix}{name}" for name, _ in children]
        if len(names) == 1:
            lonely[names[0]] = kinds.pop()
            return 0
        found.extend(names)
        return len(names)

    look_into(model, "")
    modules = dict(model.named_modules())
    kinds = {type(modules[name]) for name in found}
    # A stage of a single block, as in a ResNet-10, is a block like the others.
    found.extend(name for name, kind in lonely.items() if kind in kinds or list(lonely.values()).count(kind) > 1)
    return found


def _has_weight_matrix(module: nn.Module) -> bool:
    weight = module._parameters.get("weight")
    return weight is not None and weight.dim() >= 2 and not isinstance(module, nn.Embedding)
