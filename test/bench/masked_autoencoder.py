"""A masked autoencoder for the benchmarks, whose forward is its loss."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, tokens):
        count, length, width = tokens.shape
        parts = self.attn["qkv"](self.norm1(tokens)).reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = (parts[0] * (width // self.heads) ** -0.5) @ parts[1].transpose(-2, -1)
        mixed = (scores.softmax(dim=-1) @ parts[2]).transpose(1, 2).reshape(count, length, width)
        tokens = tokens + self.attn["proj"](mixed)
        return tokens + self.mlp["fc2"](nn.functional.gelu(self.mlp["fc1"](self.norm2(tokens))))


class MaskedAutoencoder(nn.Module):
    """MAE (He et al. 2022) with the names of its code; ViT-Ti with RC-MAE's small decoder."""

    def __init__(self, side=64, patch=8, width=192, depth=12, heads=3, decoder_width=128, decoder_depth=2, decoder_heads=4):
        super().__init__()
        self.patch, self.patches = patch, (side // patch) ** 2
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, self.patches + 1, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.decoder_embed = nn.Linear(width, decoder_width)
        self.mask_token = nn.Parameter(torch.randn(1, 1, decoder_width) * 0.02)
        self.decoder_pos_embed = nn.Parameter(torch.randn(1, self.patches + 1, decoder_width) * 0.02)
        self.decoder_blocks = nn.ModuleList(Block(decoder_width, decoder_heads) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_width, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_width, patch * patch * 3)

    def forward(self, pictures, hidden, ratio=0.75):
        count, (length, patch) = len(pictures), (self.patches, self.patch)
        tokens = self.patch_embed["proj"](pictures).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        order = hidden.argsort(dim=1)
        restore = order.argsort(dim=1)
        kept = int(length * (1 - ratio))
        tokens = tokens.gather(1, order[:, :kept, None].expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(count, -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.decoder_embed(self.norm(tokens))
        filled = torch.cat([tokens[:, 1:], self.mask_token.expand(count, length - kept, -1)], dim=1)
        filled = filled.gather(1, restore[:, :, None].expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([tokens[:, :1], filled], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            tokens = block(tokens)
        predicted = self.decoder_pred(self.decoder_norm(tokens))[:, 1:]
        side = int(length**0.5)
        target = pictures.reshape(count, 3, side, patch, side, patch).permute(0, 2, 4, 3, 5, 1).reshape(count, length, -1)
        target = (target - target.mean(dim=-1, keepdim=True)) / (target.var(dim=-1, keepdim=True) + 1e-6).sqrt()
        mask = (restore >= kept).float()
        return (((predicted - target) ** 2).mean(dim=-1) * mask).sum() / mask.sum()
