"""Which modules of a network come before a given one."""

from __future__ import annotations

from typing import Callable, List, Optional, Set

import torch
from torch import nn

from .pooling import tensor_of
from .undisturbed import undisturbed


def early_modules(model: nn.Module, last: nn.Module, run: Callable[[], object]) -> Optional[Set[nn.Module]]:
    """The modules on whose parameters the output of `last` depends, and those without parameters that run before it.

    run: one forward pass of the model; modes, buffers, random states and requires_grad are afterwards what they were.
    Gives None when `last` does not run with gradients.
    """
    parameters = list(model.parameters())
    asked = [parameter.requires_grad for parameter in parameters]
    finished: List[nn.Module] = []
    outputs: List[torch.Tensor] = []

    def finish(module: nn.Module, inputs: object, output: object) -> None:
        if outputs:
            return
        finished.append(module)
        if module is last and torch.is_grad_enabled():
            outputs.append(tensor_of(output))

    handles = [module.register_forward_hook(finish) for module in model.modules()]
    try:
        for parameter in parameters:
            parameter.requires_grad_(parameter.is_floating_point())
        with undisturbed(model), torch.enable_grad():
            run()
        if not outputs:
            return None
        wanted = [parameter for parameter in parameters if parameter.requires_grad]
        depends = outputs[0].requires_grad
        gradients = torch.autograd.grad(outputs[0].sum(), wanted, allow_unused=True) if depends else [None] * len(wanted)
    finally:
        for handle in handles:
            handle.remove()
        for parameter, wish in zip(parameters, asked):
            parameter.requires_grad_(wish)
    early = {id(parameter) for parameter, gradient in zip(wanted, gradients) if gradient is not None}
    # What ran before but has other parameters is another network, such as a momentum encoder.
    return {part for module in finished for part in module.modules() if all(id(parameter) in early for parameter in part.parameters())}
