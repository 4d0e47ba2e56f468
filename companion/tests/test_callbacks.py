import importlib
import json
import sys

import pytest
import torch
from networks import ResNet
from test_files import read_safetensors
from torch import nn

IMAGES = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def jitter(image):
    return image + 0.1 * torch.randn(3, 8, 8)


@pytest.mark.parametrize("module, framework, packages", [
    ("layerscope.callbacks.lightning", "Lightning: pip install lightning", ["lightning.pytorch", "lightning", "pytorch_lightning"]),
    ("layerscope.callbacks.huggingface", "Transformers: pip install transformers", ["transformers"]),
])
def test_without_the_framework_the_import_says_what_to_install(module, framework, packages, monkeypatch):
    monkeypatch.delitem(sys.modules, module, raising=False)
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=framework):
        importlib.import_module(module)


def usable(name):
    """A framework may be installed and yet not load with this PyTorch."""
    try:
        return importlib.import_module(name)
    except Exception as reason:
        pytest.skip(f"{name} cannot be used here: {reason!r}")


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning_records_while_it_fits(package, tmp_path):
    lightning = usable(package)
    from layerscope.callbacks.lightning import LayerscopeCallback

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.backbone = ResNet()

        def training_step(self, batch, number):
            return self.backbone(batch[0]).square().mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def fit(**options):
        torch.manual_seed(0)
        callback = LayerscopeCallback(train=IMAGES[:8], held_out=IMAGES[8:], network="backbone", views=2, augmentation=jitter, **options)
        trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                                    enable_model_summary=False, default_root_dir=str(tmp_path), callbacks=[callback])
        module = Module()
        trainer.fit(module, torch.utils.data.DataLoader(torch.utils.data.TensorDataset(IMAGES), batch_size=8))
        return module

    module = fit()
    names = sorted(path.name for path in (tmp_path / "probes").iterdir())
    assert names == [f"epoch={epoch:04d}.safetensors" for epoch in range(4)]
    metadata, arrays = read_safetensors(tmp_path / "probes" / "epoch=0003.safetensors")
    assert metadata["epoch"] == "3" and metadata["step"] == "6" and "layer2.1" in json.loads(metadata["layers"])
    assert arrays["fc"].shape == (32, 5)
    other = fit(schedule=[2, 5], unit="step", folder=tmp_path / "steps")
    assert sorted(path.name for path in (tmp_path / "steps" / "probes").iterdir()) == [f"step={step:08d}.safetensors" for step in (2, 5)]
    assert all(torch.equal(a, b) for a, b in zip(module.state_dict().values(), other.state_dict().values()))


def test_hugging_face_records_while_it_trains(tmp_path):
    transformers = usable("transformers")
    try:
        from transformers import Trainer, TrainingArguments
    except Exception as reason:
        pytest.skip(f"the Trainer cannot be used here: {reason!r}")
    from layerscope.callbacks.huggingface import LayerscopeCallback

    configuration = transformers.ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=8, patch_size=4, num_labels=3)
    items = [{"pixel_values": image, "labels": number % 3} for number, image in enumerate(IMAGES)]
    callback = LayerscopeCallback(train=items[:8], held_out=items[8:], views=2, augmentation=jitter)
    arguments = TrainingArguments(output_dir=str(tmp_path), num_train_epochs=2, per_device_train_batch_size=8, report_to=[], save_strategy="no",
                                  use_cpu=True, disable_tqdm=True, logging_strategy="no")
    Trainer(transformers.ViTForImageClassification(configuration), arguments, train_dataset=items, callbacks=[callback]).train()
    assert sorted(path.name for path in (tmp_path / "probes").iterdir()) == [f"epoch={epoch:04d}.safetensors" for epoch in range(3)]
    metadata, arrays = read_safetensors(tmp_path / "probes" / "epoch=0002.safetensors")
    layers = json.loads(metadata["layers"])
    assert len(layers) == 3 and layers[-1] == "classifier" and arrays[layers[0]].shape == (32, 16)
    assert json.loads(metadata["pooling"])[layers[0]] == "mean of patch tokens, without the first 1"
    assert arrays["label"].tolist()[::2][:4] == [0, 1, 2, 0]


def test_blocks_are_found_in_networks_of_torchvision_and_timm():
    from layerscope import extract_features

    torchvision = usable("torchvision")
    found = extract_features(torchvision.models.resnet18(), [torch.randn(2, 3, 64, 64)])
    assert list(found.by_layer) == [f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)] + ["fc"]
    swin = extract_features(torchvision.models.swin_t(), [torch.randn(2, 3, 64, 64)])
    assert len(swin.by_layer) == 13 and swin.by_layer["features.1.0"].shape == (2, 96) and swin.pooling["features.1.0"] == "mean over positions, channels last"
    convnext = extract_features(torchvision.models.convnext_tiny(), [torch.randn(2, 3, 64, 64)])
    assert convnext.by_layer["features.1.0"].shape == (2, 96) and len(convnext.by_layer) == 19
    vit = extract_features(torchvision.models.VisionTransformer(32, 16, 2, 2, 16, 32), [torch.randn(2, 3, 32, 32)])
    assert list(vit.by_layer) == ["encoder.layers.encoder_layer_0", "encoder.layers.encoder_layer_1", "heads"]
    assert vit.pooling["encoder.layers.encoder_layer_0"] == "mean of patch tokens, without the first 1"
    timm = usable("timm")
    model = timm.create_model("vit_tiny_patch16_224", img_size=32)
    assert list(extract_features(model, [torch.randn(2, 3, 32, 32)]).by_layer) == [f"blocks.{block}" for block in range(12)] + ["head"]
