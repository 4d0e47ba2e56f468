import re
from pathlib import Path

import pytest
import torch
from networks import Simclr, nt_xent
from torch.utils.data import DataLoader, TensorDataset

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", README, re.DOTALL), ids=lambda text: text.splitlines()[0])
def test_examples_of_the_readme_run_as_they_stand(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Simclr()
    inputs = torch.randn(24, 10)
    pairs = [tuple(inputs[:12] + 0.1 * torch.randn(12, 10) for _ in range(2)) for _ in range(3)]

    exec(example, {
        "model": model, "epochs": 2, "train_one_epoch": lambda model: None,
        "train_set": [row + torch.zeros(10) for row in inputs[:12]], "held_out_set": list(inputs[12:]),
        "labelled_loader": DataLoader(TensorDataset(torch.arange(24), inputs, torch.randint(6, (24,))), batch_size=8),
        "criterion": torch.nn.functional.cross_entropy, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "pair_loader": pairs, "held_out_pairs": pairs[:1], "ssl_loss": nt_xent,
        "train_views": [torch.randn(4, 8, 10)], "held_out_views": [torch.randn(4, 8, 10)],
        "image_batches": [inputs], "reconstruction_loss": lambda model, images: model(images).square().mean(),
    })
    assert len(list((tmp_path / "runs").rglob("*.*"))) > 0 or "RandomLabelHeads" in example
