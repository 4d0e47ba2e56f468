"""Looking at a model in training without leaving a trace."""

from __future__ import annotations

import contextlib
from typing import Iterator, List, Tuple

import torch
from torch import nn

from .randomness import preserved_random_state

_looking = 0

_SHARDED_WRAPPERS = ("FullyShardedDataParallel",)


def is_undisturbed() -> bool:
    """Whether a pass is under way that is no part of training; hooks that take part in training leave it alone."""
    return _looking > 0


def unwrapped(model: nn.Module) -> nn.Module:
    """The module inside `torch.compile`, DataParallel, DistributedDataParallel and other wrappers whose only child is `module`.

    Raises ValueError for a model whose parameters are sharded: no single process can run it.
    """
    while True:
        inner = model._modules.get("_orig_mod")
        if inner is None and list(model._modules) == ["module"] and type(model) is not nn.Sequential:
            inner = model._modules["module"]
        if inner is None:
            return model
        if type(model).__name__ in _SHARDED_WRAPPERS:
            raise ValueError(f"the parameters of a {type(model).__name__} are sharded: gather them into a plain model first")
        model = inner


@contextlib.contextmanager
def plain_modules(model: nn.Module) -> Iterator[nn.Module]:
    """Gives the unwrapped model, with wrapped and compiled modules inside it replaced by what they wrap; puts them back afterwards.

    Hooks that are added to a compiled module need not run, and the forward pass of a nested DistributedDataParallel waits for all processes.
    """
    model = unwrapped(model)
    replaced: List[Tuple[nn.Module, str, nn.Module]] = []
    compiled: List[Tuple[nn.Module, object]] = []

    def replace_within(parent: nn.Module) -> None:
        for name, child in list(parent._modules.items()):
            if child is None:
                continue
            plain = unwrapped(child)
            if plain is not child:
                replaced.append((parent, name, child))
                parent._modules[name] = plain
            replace_within(plain)

    try:
        replace_within(model)
        for module in model.modules():
            if module.__dict__.get("_compiled_call_impl") is not None:
                compiled.append((module, module.__dict__["_compiled_call_impl"]))
                module.__dict__["_compiled_call_impl"] = None
        yield model
    finally:
        for module, implementation in compiled:
            module.__dict__["_compiled_call_impl"] = implementation
        for parent, name, child in reversed(replaced):
            parent._modules[name] = child


@contextlib.contextmanager
def undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """Gives the plain model in evaluation mode, without gradients; afterwards its modes, its buffers (running statistics of
    batch normalization, queues, counters) and all random states are what they were. Parameters and their gradients are not touched.
    """
    global _looking
    with plain_modules(model) as plain, preserved_random_state(), torch.no_grad():
        modules = list(plain.modules())
        modes = [module.training for module in modules]
        buffers = [
            (module, name, buffer, buffer._version, buffer.clone())
            for module in modules
            for name, buffer in module._buffers.items()
            if buffer is not None and not buffer.is_inference()
        ]
        _looking += 1
        try:
            # Not model.eval(): some modules override train() and merge or rebuild their weights in it.
            for module in modules:
                module.training = False
            yield plain
        finally:
            _looking -= 1
            for module, mode in zip(modules, modes):
                module.training = mode
            for module, name, buffer, version, values in buffers:
                module._buffers[name] = buffer
                if buffer._version != version:
                    buffer.copy_(values)


def device_and_type(model: nn.Module) -> Tuple[torch.device, torch.dtype]:
    """Where the model's parameters are and which floating type its inputs should have; CPU and float32 for a model without any."""
    for parameter in model.parameters():
        if type(parameter).__name__ == "DTensor":
            raise ValueError("the parameters of this model are sharded (DTensor): gather them into a plain model first")
        if parameter.is_floating_point():
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32
