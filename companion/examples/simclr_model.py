"""A small convolutional encoder with a projector, and the SimCLR loss (NT-Xent, Chen et al. 2020)."""

from typing import Dict, List, Sequence

import torch
import torch.nn as nn
import torch.nn.functional as functional


class ConvolutionBlock(nn.Module):
    """3x3 convolution, batch normalisation, ReLU: [count, inputs, h, w] -> [count, outputs, h/stride, w/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.normalisation(self.convolution(images)))


class SimclrModel(nn.Module):
    """Blocks of the given widths (every second one, from the third on, halves the image), then a two-layer projector."""

    def __init__(self, block_widths: Sequence[int], projector_hidden: int, projector_width: int):
        super().__init__()
        inputs = [1, *block_widths[:-1]]
        self.blocks = nn.ModuleList(
            ConvolutionBlock(inputs[index], width, stride=2 if index >= 2 and index % 2 == 0 else 1)
            for index, width in enumerate(block_widths)
        )
        self.projector = nn.Sequential(
            nn.Linear(block_widths[-1], projector_hidden),
            nn.BatchNorm1d(projector_hidden),
            nn.ReLU(),
            nn.Linear(projector_hidden, projector_width),
        )

    def layer_names(self) -> List[str]:
        """Names of the recorded layers, shallow to deep."""
        return [f"block{index}" for index in range(len(self.blocks))] + ["projector"]

    def features(self, images: torch.Tensor) -> Dict[str, torch.Tensor]:
        """Every layer's features by name, [count, width of the layer]: blocks after the ReLU, averaged over pixels."""
        by_layer = {}
        hidden = images
        for index, block in enumerate(self.blocks):
            hidden = block(hidden)
            by_layer[f"block{index}"] = hidden.mean(dim=(2, 3))
        by_layer["projector"] = self.projector(hidden.mean(dim=(2, 3)))
        return by_layer

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[count, 1, size, size] -> projector output [count, projector width]."""
        return self.features(images)["projector"]


def nt_xent_loss(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Mean cross-entropy (nats) of finding each view's partner among all other views of the batch.

    first, second: [count, width], two views of the same `count` images in the same order; any length of rows.
    """
    count = len(first)
    rows = functional.normalize(torch.cat([first, second]), dim=1)
    similarity = rows @ rows.t() / temperature
    similarity = similarity.masked_fill(torch.eye(2 * count, dtype=torch.bool), float("-inf"))
    partner = torch.arange(2 * count).roll(count)
    return functional.cross_entropy(similarity, partner)


def settle_batch_statistics(model: SimclrModel, views: torch.Tensor) -> None:
    """Sets the running statistics of every batch normalisation to those of `views`, [count, 1, size, size].

    They start as mean 0 and deviation 1, which describe no data: in evaluation mode an untrained network would look collapsed.
    """
    normalisations = [module for module in model.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momentums = [module.momentum for module in normalisations]
    for module in normalisations:
        module.momentum = 1.0
    model.train()
    with torch.no_grad():
        model(views)
    for module, momentum in zip(normalisations, momentums):
        module.momentum = momentum
