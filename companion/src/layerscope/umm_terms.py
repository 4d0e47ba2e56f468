"""The terms of UMM's inner problem (see `layerscope.umm`)."""

from __future__ import annotations

import contextlib
from typing import Iterator, List

import torch


def density_proxy(loss: torch.Tensor, early: List[torch.Tensor]) -> torch.Tensor:
    """p [rows]: 1 / |dL/dz_i| scaled to sum 1, over the rows of all early features; differentiable by what the loss depends on."""
    gradients = torch.autograd.grad(loss, early, create_graph=True)
    squares = torch.cat([gradient.flatten(1).square().sum(dim=1) for gradient in gradients])
    # Relative to the batch, so that p does not depend on the scale of the loss; a row without gradient must not make it infinite.
    floor = 1e-12 * squares.detach().mean() + torch.finfo(squares.dtype).tiny
    inverse = (squares + floor).rsqrt()
    return inverse / inverse.sum()


def divergence_from_uniform(probabilities: torch.Tensor) -> torch.Tensor:
    """Jensen-Shannon divergence from the uniform distribution, in nats: 1/2 KL(p || m) + 1/2 KL(u || m), m = (p + u)/2; 0 .. ln 2."""
    uniform = torch.full_like(probabilities, 1 / len(probabilities))
    middle = (probabilities + uniform) / 2
    of_p = torch.xlogy(probabilities, probabilities) - torch.xlogy(probabilities, middle)
    of_uniform = torch.xlogy(uniform, uniform) - torch.xlogy(uniform, middle)
    return (of_p.sum() + of_uniform.sum()) / 2


@contextlib.contextmanager
def twice_differentiable_attention() -> Iterator[None]:
    """The fused kernels of scaled dot-product attention have no second derivative."""
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:
        with contextlib.ExitStack() as stack:
            if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
                stack.enter_context(torch.backends.cuda.sdp_kernel(enable_flash=False, enable_mem_efficient=False, enable_math=True))
            yield
        return
    with sdpa_kernel(SDPBackend.MATH):
        yield
