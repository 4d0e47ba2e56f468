"""Heads that learn random labels from a layer: how well they can is its memorization (Becker & Risse, arXiv 2411.19640; RLP heads,
Becker et al., ICLR 2026), and a penalty on it suppresses memorization.

Every sample has one random label in 0 .. C-1 for each head, fixed by (seed, head, sample id): the extension's labels.

    L_rnd  cross-entropy of the head, which updates the head only (the features are cut off from the model)
    L_reg  -log(1 - p), p the head's probability of the assigned label, which reaches the extractor only (the head is held fixed)

The sources print L_reg = +log(1 - p); minimizing that would raise p and so encourage memorization.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple, Union

import torch
from torch import nn

from .pooling import pool, prefix_tokens_of, tensor_of
from .randomness import random_labels
from .schedule import WeightSchedule, weight_schedule_of
from .selection import LayersLike, select_layers
from .undisturbed import is_undisturbed, unwrapped

MOST_CALLS = 64
"""Forward passes whose features are kept until the heads are called; more means that they never are."""

_HeadOptimizer = Callable[[List[torch.Tensor]], torch.optim.Optimizer]


def suppression_penalty(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-log(1 - p) for logits [..., C] and labels [...], p the softmax probability of the label; without cancellation near p = 1."""
    assigned = nn.functional.one_hot(labels, logits.shape[-1]).bool()
    others = logits.masked_fill(assigned, float("-inf"))
    return torch.logsumexp(logits, dim=-1) - torch.logsumexp(others, dim=-1)


class RandomLabelHeads:
    """Linear heads on layers of a model in training.

        heads = RandomLabelHeads(model, layers=["layer3", "layer4"], weight=linear_warmup(10.0, 1000))
        loss = criterion(model(images), targets) + heads(sample_ids)

    With weight 0 (the default) the heads only measure: nothing of the training changes, bit for bit. The heads are no part of the model:
    they are in none of its checkpoints and in no optimizer but their own; `state_dict` and `load_state_dict` keep them if wanted.

    model: its layers are watched by forward hooks while they are in training mode; `torch.compile` may have to come after this call.
    layers: "auto", patterns or names (`select_layers`).
    classes, heads, seed: of the labels; each head has its own labels.
    weight: lambda, a number or a function of the number of calls so far (`layerscope.schedule`).
    learning_rate: of Adam for the heads; `optimizer` makes another one of their parameters.
    standardize: features are scaled by running means and deviations, so that one learning rate fits every layer. No gradient passes through these.
    tokens: what stands for the tokens of a transformer.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: LayersLike = "auto",
        classes: int = 10,
        heads: int = 1,
        weight: Union[float, WeightSchedule] = 0.0,
        seed: int = 0,
        learning_rate: float = 1e-2,
        optimizer: Optional[_HeadOptimizer] = None,
        standardize: bool = True,
        tokens: str = "patch_mean",
    ):
        if heads < 1:
            raise ValueError(f"at least 1 head is needed, not {heads}")
        if classes < 2:
            raise ValueError(f"random labels need at least 2 classes, not {classes}")
        plain = unwrapped(model)
        self.layers = select_layers(plain, layers)
        self.classes, self.heads, self.seed = classes, heads, seed
        self.weight = weight_schedule_of(weight)
        self.standardize = standardize
        self.calls = 0
        self._make_optimizer: _HeadOptimizer = optimizer or (lambda parameters: torch.optim.Adam(parameters, lr=learning_rate))
        self._heads: Dict[str, _LayerHeads] = {}
        self._captured: Dict[str, List[torch.Tensor]] = {name: [] for name in self.layers}
        self._tokens = tokens
        self._prefix_tokens = prefix_tokens_of(plain)
        modules = dict(plain.named_modules())
        self._handles = [modules[name].register_forward_hook(self._hook(name)) for name in self.layers]

    def __call__(self, sample_ids: torch.Tensor) -> torch.Tensor:
        """Trains the heads for one step on the features of the latest forward pass, and gives lambda * L_reg to add to the loss.

        sample_ids: [n] whole numbers, the same for a sample in every epoch (its index in the data set). Where the model saw several views at
        once or one after the other, features have k*n rows, all samples in order for the first view, then for the second.
        The penalty is the mean over rows and heads, summed over layers; it is 0 without a gradient while the weight is 0.
        """
        weight = float(self.weight(self.calls))
        penalty: Optional[torch.Tensor] = None
        labels: Optional[torch.Tensor] = None
        captured, self._captured = self._captured, {name: [] for name in self.layers}
        for name in self.layers:
            if not captured[name]:
                raise RuntimeError(f"layer {name} has not been called in training mode since the last call of the heads")
            features = torch.cat(captured[name])
            if labels is None or labels.device != features.device:
                ids = sample_ids.to(features.device)
                labels = torch.stack([random_labels(self.seed, head, ids, self.classes) for head in range(self.heads)])
            views, rest = divmod(len(features), len(sample_ids))
            if rest != 0 or views == 0:
                raise ValueError(f"layer {name} gave {len(features)} rows, which is no multiple of {len(sample_ids)} sample ids")
            of_rows = labels.repeat(1, views)
            own = self._heads_of(name, features)
            inputs = own.standardized(features)
            if weight != 0.0:
                term = suppression_penalty(own.logits(inputs, held_fixed=True), of_rows).mean()
                penalty = term if penalty is None else penalty + term
            own.train_step(inputs.detach(), of_rows)
        self.calls += 1
        if penalty is None:
            return torch.zeros((), device=features.device)
        return weight * penalty

    def scores(self, reset: bool = True) -> Dict[str, float]:
        """By layer, (accuracy - 1/C) / (1 - 1/C) of the heads on what they saw since the last reset: 0 is chance, 1 is complete."""
        found = {name: own.score(self.classes) for name, own in self._heads.items() if own.rows > 0}
        if reset:
            for own in self._heads.values():
                own.right = own.rows = 0
        return found

    def remove(self) -> None:
        """Takes the hooks off the model."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def state_dict(self) -> Dict[str, object]:
        """Heads, their optimizers and the number of calls, for resuming."""
        return {"calls": self.calls, "layers": {name: own.state_dict() for name, own in self._heads.items()}}

    def load_state_dict(self, state: Dict[str, object]) -> None:
        """What `state_dict` gave, for heads on the same layers."""
        self.calls = state["calls"]
        for name, own in state["layers"].items():
            self._heads[name] = _LayerHeads.of_state(own, self._make_optimizer, self.standardize)

    def _heads_of(self, name: str, features: torch.Tensor) -> "_LayerHeads":
        if name not in self._heads:
            weights = torch.zeros(self.heads, self.classes, features.shape[1], device=features.device)
            self._heads[name] = _LayerHeads(weights, self._make_optimizer, self.standardize)
        return self._heads[name]

    def _hook(self, name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: object, output: object) -> None:
            if is_undisturbed() or not module.training:
                return
            if len(self._captured[name]) >= MOST_CALLS:
                raise RuntimeError(f"layer {name} was called {MOST_CALLS} times in training mode and its random-label heads never; call them after each forward pass")
            values = tensor_of(output)
            features, _ = pool(values, module, None, self._tokens, self._prefix_tokens)
            self._captured[name].append(features.float())

        return keep


class _LayerHeads:
    """Softmax regressions on one layer, weights [heads, classes, d]. They begin at zero, so that no random number is drawn."""

    def __init__(self, weights: torch.Tensor, make_optimizer: _HeadOptimizer, standardize: bool):
        self.weights = weights.requires_grad_()
        self.intercepts = torch.zeros(weights.shape[:2], device=weights.device, requires_grad=True)
        self.optimizer = make_optimizer([self.weights, self.intercepts])
        self.standardize = standardize
        self.means = torch.zeros(weights.shape[2], device=weights.device)
        self.squares = torch.zeros(weights.shape[2], device=weights.device)
        self.decay_left = 1.0
        self.right = 0
        self.rows = 0

    def standardized(self, features: torch.Tensor) -> torch.Tensor:
        """Features less their running mean, by their running deviation; differentiable by the features alone."""
        if not self.standardize:
            return features
        with torch.no_grad():
            moments = torch.stack([features.mean(dim=0), features.square().mean(dim=0)])
            _average(moments)
            self.means.mul_(0.9).add_(moments[0], alpha=0.1)
            self.squares.mul_(0.9).add_(moments[1], alpha=0.1)
            self.decay_left *= 0.9
            # Running averages begin at zero; dividing by the weight they have gathered takes that out (Kingma & Ba 2015, section 3).
            mean, square = self.means / (1 - self.decay_left), self.squares / (1 - self.decay_left)
            deviation = (square - mean.square()).clamp_min(0).sqrt()
            scale = torch.where(deviation > 1e-6 * square.sqrt(), 1 / deviation.clamp_min(1e-30), torch.zeros_like(deviation))
        return (features - mean) * scale

    def logits(self, inputs: torch.Tensor, held_fixed: bool = False) -> torch.Tensor:
        """[heads, rows, classes]"""
        # Copies: the optimizer changes the heads before the penalty is differentiated.
        weights, intercepts = (part.detach().clone() if held_fixed else part for part in (self.weights, self.intercepts))
        return torch.einsum("nd,hcd->hnc", inputs, weights) + intercepts.unsqueeze(1)

    def train_step(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        with torch.enable_grad():
            logits = self.logits(inputs)
            # Summed over heads: each head learns as if it were alone.
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()) * len(logits)
            gradients = torch.autograd.grad(loss, [self.weights, self.intercepts])
        for parameter, gradient in zip((self.weights, self.intercepts), gradients):
            _average(gradient)
            parameter.grad = gradient
        self.optimizer.step()
        self.weights.grad = self.intercepts.grad = None
        self.right += int((logits.detach().argmax(dim=-1) == labels).sum())
        self.rows += labels.numel()

    def score(self, classes: int) -> float:
        return (self.right / self.rows - 1 / classes) / (1 - 1 / classes)

    def state_dict(self) -> Dict[str, object]:
        tensors: Tuple[str, ...] = ("weights", "intercepts", "means", "squares")
        return {**{name: getattr(self, name).detach().clone() for name in tensors}, "decay_left": self.decay_left, "optimizer": self.optimizer.state_dict()}

    @classmethod
    def of_state(cls, state: Dict[str, object], make_optimizer: _HeadOptimizer, standardize: bool) -> "_LayerHeads":
        own = cls(state["weights"].clone(), make_optimizer, standardize)
        with torch.no_grad():
            own.intercepts.copy_(state["intercepts"])
        own.means, own.squares, own.decay_left = state["means"].clone(), state["squares"].clone(), state["decay_left"]
        own.optimizer.load_state_dict(state["optimizer"])
        return own


def _average(values: torch.Tensor) -> None:
    """Makes heads agree between the processes of data-parallel training, in place."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
