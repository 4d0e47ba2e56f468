"""What each method minimises. A method owns its network, answers with the loss of a batch and does what follows a step (EMA, queue)."""

import copy
from typing import Callable, Dict, List

import torch
import torch.nn as nn
import torch.nn.functional as functional

from networks import ConvolutionNetwork, MaskedAutoencoder, VisionTransformer, mlp

View = Callable[[], torch.Tensor]
"""Makes another random, normalised view of the batch, [count, 1, 28, 28]."""

CONVOLUTION_LAYERS = [f"blocks.{index}" for index in range(6)] + ["projector"]
TRANSFORMER_LAYERS = [f"blocks.{index}" for index in range(6)] + ["norm"]


class Method:
    """network: what is recorded; modules: all that the optimizer trains."""

    layers = CONVOLUTION_LAYERS
    needs_labels = False
    network: nn.Module

    def modules(self) -> List[nn.Module]:
        return [self.network]

    def state(self) -> Dict[str, torch.Tensor]:
        """What a checkpoint holds as its model."""
        return self.network.state_dict()

    def loss(self, view: View, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        raise NotImplementedError

    def after_step(self, progress: float) -> None:
        """progress: 0..1, the share of all steps that is done."""


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    for own, other in zip(teacher.parameters(), student.parameters()):
        own.lerp_(other, 1 - momentum)
    for own, other in zip(teacher.buffers(), student.buffers()):
        own.copy_(other)


def frozen_copy(network: nn.Module) -> nn.Module:
    teacher = copy.deepcopy(network)
    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    return teacher


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    rows = functional.normalize(torch.cat([first, second]), dim=1)
    similarity = (rows @ rows.t() / temperature).fill_diagonal_(float("-inf"))
    return functional.cross_entropy(similarity, torch.arange(len(rows)).roll(len(first)))


class SimClr(Method):
    """Chen et al. 2020."""

    def __init__(self) -> None:
        self.network = ConvolutionNetwork()

    def loss(self, view, images, labels, generator):
        first, second = self.network(torch.cat([view(), view()])).chunk(2)
        return nt_xent(first, second)


class MoCoV2(Method):
    """He et al. 2020, Chen et al. 2020: keys of a slow teacher, negatives from a queue."""

    def __init__(self, queue: int = 2048, momentum: float = 0.99, temperature: float = 0.2) -> None:
        self.network = ConvolutionNetwork()
        self.teacher = frozen_copy(self.network)
        self.momentum, self.temperature = momentum, temperature
        self.queue = functional.normalize(torch.randn(queue, 32), dim=1)
        self.place = 0

    def loss(self, view, images, labels, generator):
        query = functional.normalize(self.network(view()), dim=1)
        with torch.no_grad():
            keys = view()
            # Stands in for shuffled batch normalisation on one device: keys are normalised in another order of company.
            order = torch.randperm(len(keys), generator=generator)
            key = functional.normalize(self.teacher(keys[order])[order.argsort()], dim=1)
        logits = torch.cat([(query * key).sum(dim=1, keepdim=True), query @ self.queue.clone().t()], dim=1) / self.temperature
        places = (self.place + torch.arange(len(key))) % len(self.queue)
        self.queue[places] = key
        self.place = (self.place + len(key)) % len(self.queue)
        return functional.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long))

    def after_step(self, progress):
        follow(self.teacher, self.network, self.momentum)


class Byol(Method):
    """Grill et al. 2020: a predictor follows a slow teacher, without negatives."""

    def __init__(self, momentum: float = 0.98) -> None:
        self.network = ConvolutionNetwork()
        self.predictor = mlp((32, 128, 32))
        self.teacher = frozen_copy(self.network)
        self.momentum = momentum

    def modules(self):
        return [self.network, self.predictor]

    def loss(self, view, images, labels, generator):
        one, two = view(), view()
        first, second = self.predictor(self.network(torch.cat([one, two]))).chunk(2)
        with torch.no_grad():
            of_one, of_two = self.teacher(torch.cat([one, two])).chunk(2)
        return 2 - functional.cosine_similarity(first, of_two).mean() - functional.cosine_similarity(second, of_one).mean()

    def after_step(self, progress):
        follow(self.teacher, self.network, 1 - (1 - self.momentum) * (1 - progress))


class SimSiam(Method):
    """Chen and He 2021: stop-gradient in the place of a teacher."""

    def __init__(self) -> None:
        self.network = ConvolutionNetwork(projector=(128, 64), projector_normalised=True)
        self.predictor = mlp((64, 32, 64))

    def modules(self):
        return [self.network, self.predictor]

    def loss(self, view, images, labels, generator):
        projected = self.network(torch.cat([view(), view()]))
        first, second = projected.chunk(2)
        predicted_first, predicted_second = self.predictor(projected).chunk(2)
        return -(functional.cosine_similarity(predicted_first, second.detach()).mean() + functional.cosine_similarity(predicted_second, first.detach()).mean()) / 2


class VicReg(Method):
    """Bardes, Ponce and LeCun 2022: invariance, variance, covariance."""

    def __init__(self, invariance: float = 25, variance: float = 25, covariance: float = 1) -> None:
        self.network = ConvolutionNetwork(projector=(128, 64))
        self.weights = (invariance, variance, covariance)

    def loss(self, view, images, labels, generator):
        first, second = self.network(torch.cat([view(), view()])).chunk(2)
        invariance = functional.mse_loss(first, second)
        variance, covariance = torch.zeros(()), torch.zeros(())
        for rows in (first, second):
            centred = rows - rows.mean(dim=0)
            variance = variance + functional.relu(1 - (centred.var(dim=0) + 1e-4).sqrt()).mean() / 2
            products = centred.t() @ centred / (len(rows) - 1)
            covariance = covariance + (products.pow(2).sum() - products.diagonal().pow(2).sum()) / rows.shape[1]
        weights = self.weights
        return weights[0] * invariance + weights[1] * variance + weights[2] * covariance


class Mae(Method):
    """He et al. 2022."""

    layers = TRANSFORMER_LAYERS

    def __init__(self) -> None:
        self.network = MaskedAutoencoder()

    def loss(self, view, images, labels, generator):
        shown = view()
        return self.network.loss(shown, torch.rand(len(shown), self.network.side**2, generator=generator))


class RcMae(Mae):
    """Lee et al. 2023 (RC-MAE): MAE plus consistency with the reconstruction of a slow teacher on the same mask."""

    def __init__(self, momentum: float = 0.99) -> None:
        super().__init__()
        self.teacher = frozen_copy(self.network)
        self.momentum = momentum

    def loss(self, view, images, labels, generator):
        shown = view()
        noise = torch.rand(len(shown), self.network.side**2, generator=generator)
        predicted, mask = self.network.reconstruct(shown, noise)
        with torch.no_grad():
            of_teacher, _ = self.teacher.reconstruct(shown, noise)
        patches = self.network.patches(shown)
        target = (patches - patches.mean(dim=-1, keepdim=True)) / (patches.var(dim=-1, keepdim=True) + 1e-6).sqrt()

        def on_removed(other: torch.Tensor) -> torch.Tensor:
            return (((predicted - other) ** 2).mean(dim=-1) * mask).sum() / mask.sum()

        return on_removed(target) + on_removed(of_teacher)

    def after_step(self, progress):
        follow(self.teacher, self.network, self.momentum)


class SupervisedViT(Method):
    """Cross-entropy on the classes, for contrast."""

    layers = TRANSFORMER_LAYERS
    needs_labels = True

    def __init__(self, dropout: float = 0.0, label_smoothing: float = 0.0) -> None:
        self.network = VisionTransformer(dropout=dropout)
        self.head = nn.Linear(self.network.width, 10)
        self.label_smoothing = label_smoothing

    def modules(self):
        return [self.network, self.head]

    def state(self):
        """With the classifier under timm's name, so that the checkpoint has its loss."""
        return {**self.network.state_dict(), **self.head.state_dict(prefix="head.")}

    def loss(self, view, images, labels, generator):
        return functional.cross_entropy(self.head(self.network(view())), labels, label_smoothing=self.label_smoothing)


METHODS: Dict[str, Callable[..., Method]] = {
    "simclr": SimClr,
    "moco-v2": MoCoV2,
    "byol": Byol,
    "simsiam": SimSiam,
    "vicreg": VicReg,
    "mae": Mae,
    "rc-mae": RcMae,
    "supervised-vit": SupervisedViT,
}
