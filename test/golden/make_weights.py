"""Writes weights and what WeightWatcher says of them: python3 test/golden/make_weights.py

Needs PyTorch, scikit-learn, safetensors and WeightWatcher (written with WeightWatcher 0.7.7, powerlaw 2.0.0, PyTorch 2.15, NumPy 2.4, SciPy 1.17).
The trained network is a small one on the handwritten digits of scikit-learn, stored as float16 and analyzed as stored.
"""

import json
import logging
import pathlib

import numpy as np
import torch
import weightwatcher
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
EPOCHS, BATCH = 60, 64


def train():
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    net = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 36, 3, padding=1), nn.ReLU(), nn.Conv2d(36, 18, 2, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(288, 192), nn.ReLU(), nn.Linear(192, 96), nn.ReLU(), nn.Linear(96, 10),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.08, momentum=0.9, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()
    return {f"trained.{name}": tensor for name, tensor in net.state_dict().items() if name.endswith(".weight")}


def make():
    generator = torch.Generator().manual_seed(1)
    gaussian = lambda *shape: torch.randn(*shape, generator=generator)
    heavy = torch.distributions.Pareto(1.0, 2.2)
    torch.manual_seed(2)
    spiked = 0.05 * gaussian(160, 96)
    for strength in (4.0, 2.5, 1.5):
        u, v = gaussian(160, 1), gaussian(96, 1)
        spiked = spiked + strength * (u / u.norm()) @ (v / v.norm()).T
    return {
        "gaussian.weight": 0.02 * gaussian(256, 512),
        "heavy.weight": 0.05 * heavy.sample((120, 200)) * torch.sign(gaussian(120, 200)),
        "spiked.weight": spiked,
        "square.weight": gaussian(80, 80) / 80**0.5,
        "low_rank.weight": gaussian(100, 20) @ gaussian(20, 70),
        "few.weight": gaussian(60, 24),
        "tiny_scale.weight": 1e-4 * gaussian(128, 64),
    }


def main():
    logging.disable(logging.CRITICAL)
    weights = {name: tensor.half().contiguous() for name, tensor in {**train(), **make()}.items()}
    save_file(weights, HERE / "data" / "weights.safetensors", metadata={"made_by": "test/golden/make_weights.py"})
    watcher = weightwatcher.WeightWatcher(model={name: tensor.float() for name, tensor in weights.items()})
    details = watcher.analyze(mp_fit=True, min_evals=1, savefig=False)
    columns = {
        "alpha": "ww_alpha", "alpha_weighted": "ww_alpha_hat", "log_alpha_norm": "ww_log_alpha_norm", "stable_rank": "ww_stable_rank", "entropy": "ww_entropy",
        "num_spikes": "mp_spikes", "mp_softrank": "mp_softrank", "lambda_max": "lambda_max", "norm": "eigenvalue_sum", "xmin": "xmin", "D": "D", "sigma": "sigma",
        "num_evals": "eigenvalues", "num_pl_spikes": "tail", "sigma_mp": "mp_sigma",
    }
    expected = {}
    for _, row in details.iterrows():
        expected[row["longname"]] = {name: float(row[column]) for column, name in columns.items()}
    versions = {"weightwatcher": weightwatcher.__version__, "torch": torch.__version__, "numpy": np.__version__}
    (HERE / "weights.json").write_text(json.dumps({"versions": versions, "layers": expected}, indent=1) + "\n")


if __name__ == "__main__":
    main()
