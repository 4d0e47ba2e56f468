"""Two small encoders: six convolution blocks, and a vision transformer with the decoder of a masked autoencoder."""

from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as functional


def mlp(widths: Sequence[int], last_normalised: bool = False) -> nn.Sequential:
    """Linear layers with batch normalisation and ReLU between them."""
    layers: List[nn.Module] = []
    for index, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:])):
        last = index == len(widths) - 2
        layers.append(nn.Linear(inputs, outputs, bias=last and not last_normalised))
        if not last:
            layers += [nn.BatchNorm1d(outputs), nn.ReLU()]
        elif last_normalised:
            layers.append(nn.BatchNorm1d(outputs, affine=False))
    return nn.Sequential(*layers)


class ConvolutionBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.normalisation(self.convolution(images)))


class ConvolutionNetwork(nn.Module):
    """[count, 1, 28, 28] -> projector's output [count, projector width]; the blocks' output is pooled to `width` numbers."""

    def __init__(self, widths: Sequence[int] = (12, 16, 24, 32, 48, 64), projector: Sequence[int] = (128, 32), projector_normalised: bool = False):
        super().__init__()
        strides = (2, 1, 2, 1, 2, 1)
        inputs = (1, *widths[:-1])
        self.blocks = nn.ModuleList(ConvolutionBlock(*shape) for shape in zip(inputs, widths, strides))
        self.width = widths[-1]
        self.projector = mlp((self.width, *projector), projector_normalised)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        hidden = images
        for block in self.blocks:
            hidden = block(hidden)
        return hidden.mean(dim=(2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.projector(self.encode(images))


class TransformerBlock(nn.Module):
    """Pre-norm attention and MLP, named as in timm."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.Module()
        self.attn.qkv = nn.Linear(width, 3 * width)
        self.attn.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(width, 4 * width)
        self.mlp.fc2 = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        count, length, width = tokens.shape
        query, key, value = self.attn.qkv(self.norm1(tokens)).reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attention = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        mixed = (attention @ value).transpose(1, 2).reshape(count, length, width)
        tokens = tokens + self.dropout(self.attn.proj(mixed))
        return tokens + self.dropout(self.mlp.fc2(functional.gelu(self.mlp.fc1(self.norm2(tokens)))))


def sine_cosine_positions(width: int, side: int) -> torch.Tensor:
    """[1, 1 + side^2, width]: fixed 2-D positions as in MAE, zero for the class token."""
    quarter = width // 4
    frequencies = 1 / 10000 ** (torch.arange(quarter, dtype=torch.float64) / quarter)
    place = torch.arange(side, dtype=torch.float64)
    rows, columns = torch.meshgrid(place, place, indexing="ij")

    def waves(values: torch.Tensor) -> torch.Tensor:
        angles = values.flatten()[:, None] * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    # MAE's meshgrid starts with the column.
    table = torch.cat([waves(columns), waves(rows)], dim=1)
    return torch.cat([torch.zeros(1, width, dtype=torch.float64), table]).float().unsqueeze(0)


class PatchEmbedding(nn.Module):
    def __init__(self, patch: int, width: int):
        super().__init__()
        self.proj = nn.Conv2d(1, width, patch, patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.proj(images).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """[count, 1, 28, 28] -> the class token after the last norm [count, width]; names as in timm and MAE."""

    def __init__(self, width: int = 48, depth: int = 6, heads: int = 4, patch: int = 4, dropout: float = 0.0):
        super().__init__()
        self.patch, self.side = patch, 28 // patch
        self.width = width
        self.patch_embed = PatchEmbedding(patch, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(sine_cosine_positions(width, self.side), requires_grad=False)
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        nn.init.normal_(self.cls_token, std=0.02)

    def encode(self, images: torch.Tensor, kept: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Tokens after the last norm, [count, 1 + patches, width]; with `kept` [count, n] only those patches."""
        tokens = self.patch_embed(images) + self.pos_embed[:, 1:]
        if kept is not None:
            tokens = tokens.gather(1, kept[:, :, None].expand(-1, -1, self.width))
        tokens = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(len(images), -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.encode(images)[:, 0]


class MaskedAutoencoder(VisionTransformer):
    """MAE (He et al. 2022): a decoder fills in the patches that the encoder did not see. `forward` is the encoder on whole images."""

    def __init__(self, decoder_width: int = 32, decoder_depth: int = 2, decoder_heads: int = 4, **encoder: int):
        super().__init__(**encoder)
        self.decoder_embed = nn.Linear(self.width, decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_width))
        self.decoder_pos_embed = nn.Parameter(sine_cosine_positions(decoder_width, self.side), requires_grad=False)
        self.decoder_blocks = nn.ModuleList(TransformerBlock(decoder_width, decoder_heads) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_width, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_width, self.patch**2)
        nn.init.normal_(self.mask_token, std=0.02)

    def patches(self, images: torch.Tensor) -> torch.Tensor:
        """[count, 1, 28, 28] -> [count, patches, pixels of a patch]."""
        return functional.unfold(images, self.patch, stride=self.patch).transpose(1, 2)

    def reconstruct(self, images: torch.Tensor, noise: torch.Tensor, mask_ratio: float = 0.75) -> Tuple[torch.Tensor, torch.Tensor]:
        """Predicted patches [count, patches, pixels] and the mask [count, patches] (1 = removed): the patches of largest noise are removed."""
        count, length = noise.shape
        order = noise.argsort(dim=1)
        restore = order.argsort(dim=1)
        kept = order[:, : round(length * (1 - mask_ratio))]
        mask = torch.ones(count, length).scatter(1, kept, 0.0)
        tokens = self.decoder_embed(self.encode(images, kept))
        hidden = self.mask_token.expand(count, length - kept.shape[1], -1)
        patches = torch.cat([tokens[:, 1:], hidden], dim=1).gather(1, restore[:, :, None].expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([tokens[:, :1], patches], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            tokens = block(tokens)
        return self.decoder_pred(self.decoder_norm(tokens))[:, 1:], mask

    def loss(self, images: torch.Tensor, noise: torch.Tensor, mask_ratio: float = 0.75, target: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Mean squared error on removed patches, each patch normalised with its own (unbiased) variance, or against `target`."""
        predicted, mask = self.reconstruct(images, noise, mask_ratio)
        if target is None:
            patches = self.patches(images)
            target = (patches - patches.mean(dim=-1, keepdim=True)) / (patches.var(dim=-1, keepdim=True) + 1e-6).sqrt()
        return (((predicted - target) ** 2).mean(dim=-1) * mask).sum() / mask.sum()
