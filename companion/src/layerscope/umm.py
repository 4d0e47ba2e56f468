"""The Undoing Memorization Mechanism (Qiang et al., arXiv 2410.00772): fine-tunes the late layers of a pre-trained model.

    inner  theta' = theta - a d/dtheta [ L_ssl + beta JS(p, uniform) ],   p_i ~ 1 / |dL_ssl / dz_early,i|
    outer  theta  = theta' - step of an optimizer along d/dtheta [ L_ssl(theta') - gamma dR(last layer; theta') ]

theta are the parameters of the layers after the split; those before are frozen. The outer step starts from theta', so that the inner step
stays: both problems have the same weights, as in the released code. (Were it undone, the outer problem would only learn to make up for it.)
p is the paper's proxy of the density of the early features. Three things are as the paper means them and not as its released code has
them: dR is maximized (the code adds it to a loss that it minimizes), JS reaches the parameters (there the gradients in p are taken without
create_graph), and JS is the Jensen-Shannon divergence (there probabilities are fed to kl_div in the place of log-probabilities). The model
keeps its own projector.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import torch
from torch import nn

from .coding_rate import coding_rate_reduction
from .early_modules import early_modules
from .files import PathLike, written_atomically
from .pooling import pool, prefix_tokens_of, tensor_of
from .randomness import UMM_PURPOSE, seeded
from .umm_terms import density_proxy, divergence_from_uniform, twice_differentiable_attention
from .undisturbed import plain_modules, unwrapped

try:
    from torch.func import functional_call
except ImportError:
    from torch.nn.utils.stateless import functional_call

DIFFERENCE = 1e-3
"""Length of the shift of all parameters in the central differences. DARTS has 0.01; the density term is curved more than its losses."""

Parameters = Dict[str, torch.Tensor]

SslLoss = Callable[[nn.Module, Any], torch.Tensor]
"""Loss of one batch, a scalar: `ssl_loss(model, batch)` runs the model on the views in the batch."""


@dataclass(frozen=True)
class UmmSettings:
    """What one fine-tuning depends on.

    split: name of the last frozen layer; everything that runs after it is trained.
    last: name of the layer whose dR is maximized.
    beta, gamma: weights of JS and of dR (dR in nats, with eps2 0.1 as in the released code).
    steps: outer steps; each has one inner step.
    learning_rate: of Adam in the outer problem; inner_learning_rate: of the plain gradient step in the inner one.
    views: views of each sample in a batch; the outputs of `last` hold all samples of the first view, then all of the second, ...
    second_order: whether the outer gradient passes through the inner step, by central differences of the inner gradient as in DARTS (Liu et al.
        2019) and the released code: exact derivatives would be of third order, which batch normalization does not have. Without, half the cost.
    seed: of what the model draws while it runs (dropout, masks).
    """

    split: str
    last: str
    beta: float = 1.0
    gamma: float = 1e-2
    steps: int = 100
    learning_rate: float = 1e-4
    inner_learning_rate: float = 1e-3
    weight_decay: float = 0.0
    eps2: float = 0.1
    views: int = 2
    second_order: bool = True
    tokens: str = "patch_mean"
    seed: int = 0


@dataclass
class UmmHistory:
    """One entry a step: the losses before the step, JS in nats and the dR at theta' in nats."""

    settings: UmmSettings
    ssl_loss: List[float] = field(default_factory=list)
    divergence: List[float] = field(default_factory=list)
    reduction: List[float] = field(default_factory=list)


def finetune(
    model: nn.Module,
    loader: Iterable[Any],
    ssl_loss: SslLoss,
    settings: Optional[UmmSettings] = None,
    *,
    after_step: Optional[Callable[[nn.Module, int], None]] = None,
    checkpoint: Optional[PathLike] = None,
    **options: Any,
) -> UmmHistory:
    """Fine-tunes `model` in place and gives what happened at each step.

        umm.finetune(model, loader, ssl_loss, split="layer2", last="projector", steps=200)

    loader: batches as `ssl_loss` wants them, on the model's device; it is started anew when it ends. Every step takes two, one for each problem.
    settings, options: fields of `UmmSettings`; options replace those of `settings`.
    after_step: called with the model and the number of finished steps: to update a momentum encoder, to record probes, to log.
    checkpoint: where to write the result as an ordinary checkpoint, {"model": state_dict, "step", "umm": settings}.

    Modes, frozen parameters and gradients are afterwards what they were. Raises ValueError for a layer that does not exist or does not run.
    """
    settings = UmmSettings(**options) if settings is None else replace(settings, **options)
    history = UmmHistory(settings)
    batches = _endless(loader)
    with plain_modules(model) as plain, twice_differentiable_attention():
        problem = _Problem(plain, ssl_loss, settings)
        with problem.prepared(next(batches)) as late:
            optimizer = torch.optim.Adam(late.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
            for step in range(settings.steps):
                inner_batch, outer_batch = next(batches), next(batches)
                fast, inner_loss, divergence = problem.inner_step(late, inner_batch, step)
                gradients, reduction = problem.outer_gradients(late, fast, inner_batch, outer_batch, step)
                for name, parameter in late.items():
                    parameter.data.copy_(fast[name].detach())
                    parameter.grad = gradients[name]
                optimizer.step()
                for parameter in late.values():
                    parameter.grad = None
                history.ssl_loss.append(inner_loss)
                history.divergence.append(divergence)
                history.reduction.append(reduction)
                if after_step is not None:
                    after_step(plain, step + 1)
    if checkpoint is not None:
        save_checkpoint(checkpoint, model, settings)
    return history


def save_checkpoint(path: PathLike, model: nn.Module, settings: UmmSettings) -> None:
    """{"model": state_dict of the plain model, "step": outer steps, "umm": settings}, which loads with weights_only=True."""
    with written_atomically(path) as file:
        torch.save({"model": unwrapped(model).state_dict(), "step": settings.steps, "umm": asdict(settings)}, file)


def _gradients(loss: torch.Tensor, parameters: Parameters) -> Parameters:
    """By name; zero where the loss does not depend on a parameter."""
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {name: torch.zeros_like(parameter) if gradient is None else gradient for (name, parameter), gradient in zip(parameters.items(), gradients)}


class _WithLoss(nn.Module):
    """Makes the loss the forward pass, so that it can be taken at other parameters."""

    def __init__(self, model: nn.Module, ssl_loss: SslLoss):
        super().__init__()
        self.model = model
        self.ssl_loss = ssl_loss

    def forward(self, batch: Any) -> torch.Tensor:
        return self.ssl_loss(self.model, batch)


class _Problem:
    """Both losses of one model."""

    def __init__(self, model: nn.Module, ssl_loss: SslLoss, settings: UmmSettings):
        self.model = model
        self.settings = settings
        self.with_loss = _WithLoss(model, ssl_loss)
        self.modules = dict(model.named_modules())
        for name in (settings.split, settings.last):
            if name not in self.modules:
                raise ValueError(f"{type(model).__name__} has no layer {name!r}")
        self.prefix_tokens = prefix_tokens_of(model)
        self.early: List[torch.Tensor] = []
        self.last: List[torch.Tensor] = []

    @contextlib.contextmanager
    def prepared(self, batch: Any) -> Iterator[Parameters]:
        """Freezes everything up to the split and gives the trained parameters by name; puts all back afterwards."""
        frozen = early_modules(self.model, self.modules[self.settings.split], lambda: self.with_loss(batch))
        if frozen is None:
            raise ValueError(f"ssl_loss does not run the layer {self.settings.split!r} with gradients")
        modes = [(module, module.training) for module in self.model.modules()]
        asked = [(parameter, parameter.requires_grad, parameter.grad) for parameter in self.model.parameters()]
        handles = [self.modules[self.settings.split].register_forward_hook(self._cut), self.modules[self.settings.last].register_forward_hook(self._keep)]
        try:
            self.model.train()
            for module in frozen:
                # Their running statistics belong to the frozen part.
                module.training = False
                for parameter in module.parameters(recurse=False):
                    parameter.requires_grad_(False)
            late = {f"model.{name}": parameter for name, parameter in self.model.named_parameters() if parameter.requires_grad}
            if not late:
                raise ValueError(f"no parameter is trained: all of them are frozen or belong to layers before the split {self.settings.split!r}")
            yield late
        finally:
            for handle in handles:
                handle.remove()
            self.early, self.last = [], []
            for module, mode in modes:
                module.training = mode
            for parameter, wanted, gradient in asked:
                parameter.requires_grad_(wanted)
                parameter.grad = gradient

    def inner_step(self, late: Parameters, batch: Any, step: int) -> Tuple[Parameters, float, float]:
        """theta' after one gradient step, the SSL loss and JS before it."""
        gradients, loss, divergence = self._inner_gradients(late, batch, step)
        rate = self.settings.inner_learning_rate
        fast = {name: (parameter.detach() - rate * gradients[name]).requires_grad_() for name, parameter in late.items()}
        return fast, loss, divergence

    def outer_gradients(self, late: Parameters, fast: Parameters, inner_batch: Any, outer_batch: Any, step: int) -> Tuple[Parameters, float]:
        """Gradient of L_ssl(theta') - gamma dR(theta'), by theta or, without second order, by theta'; and dR."""
        loss, reduction = self.outer_loss(fast, outer_batch, step)
        outer = _gradients(loss, fast)
        length = sum(float(gradient.double().square().sum()) for gradient in outer.values()) ** 0.5
        if not self.settings.second_order or not length > 0:
            return outer, reduction
        # (1 - a H) v, where H v is the change of the inner gradient along v.
        width = DIFFERENCE / length
        with self._kept_buffers():
            above, below = (
                self._inner_gradients({name: (late[name].detach() + sign * width * outer[name]).requires_grad_() for name in late}, inner_batch, step)[0]
                for sign in (1, -1)
            )
        rate = self.settings.inner_learning_rate
        return {name: outer[name] - rate * (above[name] - below[name]) / (2 * width) for name in late}, reduction

    def outer_loss(self, fast: Parameters, batch: Any, step: int) -> Tuple[torch.Tensor, float]:
        """L_ssl - gamma dR at theta', and dR."""
        loss = self._loss(fast, batch, 2 * step + 1)
        rows = torch.cat(self.last)
        views = self.settings.views
        if len(rows) % views != 0:
            raise ValueError(f"layer {self.settings.last} gave {len(rows)} rows, which is no multiple of {views} views")
        by_sample = rows.reshape(views, len(rows) // views, -1).transpose(0, 1)
        # The determinant loses too much in single precision; not every device has another.
        reduction = coding_rate_reduction(by_sample if by_sample.device.type == "mps" else by_sample.double(), self.settings.eps2)
        return loss - self.settings.gamma * reduction.to(loss.dtype), float(reduction.detach())

    def _inner_gradients(self, parameters: Parameters, batch: Any, step: int) -> Tuple[Parameters, float, float]:
        loss = self._loss(parameters, batch, 2 * step)
        divergence = divergence_from_uniform(density_proxy(loss, self.early))
        gradients = _gradients(loss + self.settings.beta * divergence, parameters)
        return gradients, float(loss.detach()), float(divergence.detach())

    def _loss(self, parameters: Parameters, batch: Any, draw: int) -> torch.Tensor:
        self.early, self.last = [], []
        with seeded(UMM_PURPOSE, self.settings.seed, draw):
            loss = functional_call(self.with_loss, parameters, (batch,))
        if not self.early or not self.last:
            missing = self.settings.split if not self.early else self.settings.last
            raise ValueError(f"ssl_loss does not run the layer {missing!r} with gradients")
        return loss

    @contextlib.contextmanager
    def _kept_buffers(self) -> Iterator[None]:
        """Passes beside the way do not count in running statistics."""
        kept = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        try:
            yield
        finally:
            for buffer, values in kept:
                buffer.copy_(values)

    def _cut(self, module: nn.Module, inputs: object, output: object) -> object:
        """Cuts the graph behind the split. A pass without gradients (a momentum encoder that shares the module) is left alone."""
        if not torch.is_grad_enabled():
            return None
        cut = tensor_of(output).detach().requires_grad_()
        self.early.append(cut)
        if isinstance(output, tuple):
            return tuple(cut if index == 0 else part for index, part in enumerate(output))
        return cut

    def _keep(self, module: nn.Module, inputs: object, output: object) -> None:
        if torch.is_grad_enabled():
            features, _ = pool(tensor_of(output), module, None, self.settings.tokens, self.prefix_tokens)
            self.last.append(features)


def _endless(loader: Iterable[Any]) -> Iterator[Any]:
    for _ in itertools.count():
        empty = True
        for batch in loader:
            empty = False
            yield batch
        if empty:
            raise ValueError("the loader gives no batch")
