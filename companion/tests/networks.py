"""Small networks with the module names of the ones they stand for."""

import torch
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) if inputs != outputs else None

    def forward(self, x):
        hidden = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(hidden + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Module names of torchvision's."""

    def __init__(self, widths=(4, 6), blocks=2, classes=5):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for number, width in enumerate(widths, start=1):
            stage = [BasicBlock(inputs if index == 0 else width, width, 2 if index == 0 and number > 1 else 1) for index in range(blocks)]
            setattr(self, f"layer{number}", nn.Sequential(*stage))
            inputs = width
        self.stages = len(widths)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        for number in range(1, self.stages + 1):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean(dim=(2, 3)))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.proj(torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1) @ v)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Module names of timm's."""

    def __init__(self, width=8, depth=3, patches=4, classes=5):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.pos_embed = nn.Parameter(torch.randn(1, patches + 1, width) * 0.1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class MaskedAutoencoder(nn.Module):
    """Methods and module names of the official MAE."""

    def __init__(self, width=8, patches=4):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, patches + 1, width) * 0.1, requires_grad=False)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.ModuleList([Block(width) for _ in range(2)])
        self.decoder_pos_embed = nn.Parameter(torch.randn(1, patches + 1, width) * 0.1, requires_grad=False)
        self.decoder_blocks = nn.ModuleList([Block(width) for _ in range(2)])
        self.decoder_pred = nn.Linear(width, 48)

    def forward_encoder(self, images, mask_ratio):
        x = self.patch_embed(images).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        count, patches, width = x.shape
        order = torch.rand(count, patches).argsort(dim=1)
        kept = order[:, : int(patches * (1 - mask_ratio))]
        mask = torch.ones(count, patches).scatter(1, kept, 0)
        x = torch.gather(x, 1, kept.unsqueeze(-1).expand(-1, -1, width))
        x = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(count, -1, -1), x], dim=1)
        for block in self.blocks:
            x = block(x)
        return x, mask, order.argsort(dim=1)

    def forward(self, images, mask_ratio=0.75):
        x, mask, restore = self.forward_encoder(images, mask_ratio)
        missing = restore.shape[1] + 1 - x.shape[1]
        tokens = torch.cat([x[:, 1:], self.mask_token.expand(len(x), missing, -1)], dim=1)
        tokens = torch.gather(tokens, 1, restore.unsqueeze(-1).expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], tokens], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        prediction = self.decoder_pred(x)[:, 1:]
        target = functional.unfold(images, 4, stride=4).transpose(1, 2)
        loss = ((prediction - target) ** 2).mean(dim=-1)
        return (loss * mask).sum() / mask.sum(), prediction, mask


class Simclr(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(10, width), nn.BatchNorm1d(width), nn.Tanh())
        self.layer2 = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.Tanh())
        self.layer3 = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.Tanh())
        self.projector = nn.Linear(width, 6)

    def forward(self, x):
        return self.projector(self.layer3(self.layer2(self.layer1(x))))


def nt_xent(model, batch, temperature=0.5):
    """batch: two views of the same samples."""
    rows = functional.normalize(torch.cat([model(view) for view in batch]), dim=1)
    count = len(batch[0])
    similarity = (rows @ rows.t() / temperature).masked_fill(torch.eye(2 * count, dtype=torch.bool), float("-inf"))
    return functional.cross_entropy(similarity, torch.arange(2 * count).roll(count))
