import json
import random

import numpy
import pytest
import torch
from networks import MaskedAutoencoder, ResNet, VisionTransformer
from test_files import read_safetensors
from torch import nn

from layerscope import RandomLabelHeads, Recorder
from layerscope.recorder import in_half_precision

IMAGES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def jitter(image):
    return image + 0.1 * torch.randn(3, 8, 8)


def recorder_of(model, folder, **options):
    return Recorder(model, train=IMAGES[:6], held_out=(IMAGES[6:], torch.arange(6)), folder=folder, **{"views": 3, "augmentation": jitter, **options})


def train_step(model, optimizer, inputs=IMAGES):
    optimizer.zero_grad()
    output = model(inputs)
    (output[0] if isinstance(output, tuple) else output.square().mean()).backward()
    optimizer.step()


def test_the_file_is_as_the_extension_wants_it(tmp_path):
    path = recorder_of(ResNet(), tmp_path, metadata={"method": "SimCLR"}).record(epoch=12, step=345)
    assert path == tmp_path / "probes" / "epoch=0012.safetensors"
    metadata, arrays = read_safetensors(path)
    assert metadata["layerscope"] == "1" and metadata["epoch"] == "12" and metadata["step"] == "345" and metadata["method"] == "SimCLR"
    layers = json.loads(metadata["layers"])
    assert layers == ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "fc"]
    assert json.loads(metadata["pooling"])["layer2.1"] == "mean over positions"
    assert {name: arrays[name].shape for name in layers} == {"layer1.0": (36, 4), "layer1.1": (36, 4), "layer2.0": (36, 6), "layer2.1": (36, 6), "fc": (36, 5)}
    assert all(arrays[name].dtype == numpy.float16 for name in layers)
    assert arrays["sample_id"].tolist()[:4] == [0, 0, 0, 1] and arrays["split"].tolist() == [0] * 18 + [1] * 18
    assert arrays["label"].tolist() == [-1] * 18 + [label for label in range(6) for _ in range(3)]
    assert [entry.name for entry in path.parent.iterdir()] == ["epoch=0012.safetensors"]


def test_recorded_features_are_those_of_a_direct_pass_over_the_views(tmp_path):
    model = ResNet()
    recorder = recorder_of(model, tmp_path)
    _, arrays = read_safetensors(recorder.record(epoch=0))
    model.eval()
    with torch.no_grad():
        expected = model(torch.cat(list(recorder.probe.batches(36)))).half()
    assert numpy.array_equal(arrays["fc"], expected.numpy())


@pytest.mark.parametrize("make", [ResNet, VisionTransformer, MaskedAutoencoder])
def test_training_goes_on_bit_for_bit_as_without_recording(make, tmp_path):
    def train(record):
        torch.manual_seed(0), random.seed(0), numpy.random.seed(0)
        model = make()
        model.dropout = nn.Dropout(0.5)
        model.train()
        recorder = recorder_of(model, tmp_path)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        drawn = []
        for step in range(4):
            train_step(model, optimizer, model.dropout(IMAGES))
            if record:
                recorder.record(step=step)
            drawn.append((random.random(), float(numpy.random.rand()), float(torch.rand(()))))
        gradients = [parameter.grad for parameter in model.parameters()]
        return model, gradients, drawn

    plain, gradients, drawn = train(record=False)
    recorded, other_gradients, other_drawn = train(record=True)
    for (name, values), (_, others) in zip(plain.state_dict().items(), recorded.state_dict().items()):
        assert torch.equal(values, others), name
    assert drawn == other_drawn
    assert all((a is None and b is None) or torch.equal(a, b) for a, b in zip(gradients, other_gradients))


def test_modes_statistics_and_gradients_are_those_from_before(tmp_path):
    model = ResNet()
    train_step(model, torch.optim.SGD(model.parameters(), lr=0.1))
    model.train()
    model.layer1[0].bn1.eval()
    modes = [module.training for module in model.modules()]
    gradients = [parameter.grad for parameter in model.parameters()]
    copies = [gradient.clone() for gradient in gradients]
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    recorder_of(model, tmp_path).record(epoch=1)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is gradient and torch.equal(gradient, copy) for parameter, gradient, copy in zip(model.parameters(), gradients, copies))
    assert all(torch.equal(buffers[name], buffer) for name, buffer in model.named_buffers())
    assert not any(module._forward_hooks for module in model.modules())


def test_buffers_that_change_even_in_evaluation_mode_are_put_back(tmp_path):
    class Queue(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(192, 4)
            self.register_buffer("queue", torch.zeros(3))
            self.register_buffer("pointer", torch.zeros(()))

        def forward(self, x):
            self.queue[0] += 1
            self.pointer = self.pointer + 1
            return self.layer(x.flatten(1))

    model = Queue()
    queue, pointer = model.queue, model.pointer
    recorder_of(model, tmp_path, layers="layer").record(epoch=0)
    assert model.queue is queue and model.pointer is pointer and float(queue.sum() + pointer) == 0


def test_recording_between_forward_and_backward_does_not_break_the_graph(tmp_path):
    model = ResNet()
    recorder = recorder_of(model, tmp_path)
    loss = model(IMAGES).square().mean()
    recorder.record(epoch=0)
    loss.backward()
    assert model.conv1.weight.grad is not None


def test_a_failing_pass_leaves_the_model_as_it_was_and_no_file(tmp_path):
    model = ResNet()
    model.train()
    recorder = Recorder(model, train=torch.randn(2, 8, 5, 8, 8), folder=tmp_path)
    with pytest.raises(RuntimeError, match="the model cannot be run"):
        recorder.record(epoch=0)
    assert model.training and not any(module._forward_hooks for module in model.modules()) and not (tmp_path / "probes").exists()


def test_the_probe_is_the_same_at_every_checkpoint_and_in_every_run_of_one_seed(tmp_path):
    model = MaskedAutoencoder()
    options = {"forward": lambda plain, views: plain(views), "layers": "blocks.1"}
    first = recorder_of(model, tmp_path / "a", **options)
    before = first.record(epoch=0).read_bytes()
    torch.rand(3)
    assert first.record(epoch=0).read_bytes() == before
    assert recorder_of(model, tmp_path / "b", **options).record(epoch=0).read_bytes() == before


def test_only_what_is_due_is_recorded(tmp_path):
    recorder = recorder_of(ResNet(), tmp_path, schedule=4, total=9)
    made = [recorder.record_when_due(epoch=epoch, step=10 * epoch) for epoch in range(10)]
    assert [epoch for epoch, path in enumerate(made) if path is not None] == [0, 1, 2, 4, 8, 9]
    by_step = recorder_of(ResNet(), tmp_path, schedule=[20], unit="step")
    assert by_step.record_when_due(epoch=1, step=20).name == "step=00000020.safetensors"
    assert by_step.record_when_due(epoch=20, step=21) is None
    with pytest.raises(ValueError, match="counts steps, but no step is given"):
        by_step.record_when_due(epoch=20)
    assert recorder.overhead > 0


def test_recordings_beyond_the_allowed_overhead_are_left_out_except_the_first_and_the_last(tmp_path):
    def recorded(most_overhead):
        recorder = recorder_of(ResNet(), tmp_path, schedule=1, total=4, most_overhead=most_overhead)
        return [epoch for epoch in range(5) if recorder.record_when_due(epoch=epoch) is not None]

    assert recorded(1e-9) == [0, 4]
    assert recorded(1e9) == [0, 1, 2, 3, 4]


def test_values_beyond_half_precision_are_written_in_single_and_the_file_says_so(tmp_path):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.usual, self.huge, self.tiny = nn.Linear(192, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            with torch.no_grad():
                self.huge.weight.mul_(1e6)
                self.tiny.weight.mul_(1e-12), self.tiny.bias.zero_()

        def forward(self, x):
            return self.tiny(self.huge(self.usual(x.flatten(1))))

    metadata, arrays = read_safetensors(recorder_of(Scaled(), tmp_path, layers=["usual", "huge", "tiny"]).record(epoch=0))
    assert [arrays[name].dtype.name for name in ("usual", "huge", "tiny")] == ["float16", "float32", "float32"]
    assert json.loads(metadata["float32_layers"]) == ["huge", "tiny"]
    assert numpy.isfinite(arrays["huge"]).all() and (arrays["tiny"] != 0).all()


def test_what_is_not_finite_stays_so_and_zeros_stay_in_half_precision():
    values = torch.tensor([[1.0, float("nan")], [float("inf"), 2.0]])
    assert in_half_precision(values).dtype == torch.float16
    assert in_half_precision(torch.zeros(2, 2)).dtype == torch.float16


def test_wrappers_are_looked_through(tmp_path):
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, *inputs):
            raise AssertionError("a wrapper waits for other processes")

    model = ResNet()
    expected = recorder_of(model, tmp_path / "plain").record(epoch=0).read_bytes()
    assert recorder_of(Wrapper(model), tmp_path / "root").record(epoch=0).read_bytes() == expected
    inner = model.layer1[0]
    model.layer1[0] = Wrapper(inner)
    wrapped = model.layer1[0]
    assert recorder_of(model, tmp_path / "inside").record(epoch=0).read_bytes() == expected
    assert model.layer1[0] is wrapped


@pytest.mark.skipif(not hasattr(torch, "compile"), reason="torch.compile came with PyTorch 2.0")
def test_compiled_models_are_looked_through(tmp_path):
    model = ResNet()
    expected = recorder_of(model, tmp_path / "plain").record(epoch=0).read_bytes()
    compiled = torch.compile(model, backend="eager")
    compiled(IMAGES)
    model.layer1[0] = torch.compile(model.layer1[0], backend="eager")
    model.layer2.compile(backend="eager")
    implementation = model.layer2._compiled_call_impl
    compiled_again = recorder_of(compiled, tmp_path / "compiled")
    model.load_state_dict(model.state_dict())
    metadata, arrays = read_safetensors(compiled_again.record(epoch=0))
    assert json.loads(metadata["layers"]) == ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "fc"]
    assert set(arrays) == set(read_safetensors(tmp_path / "plain" / "probes" / "epoch=0000.safetensors")[1]) and expected
    assert model.layer2._compiled_call_impl is implementation


def test_sharded_models_are_refused(tmp_path):
    class FullyShardedDataParallel(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

    with pytest.raises(ValueError, match="FullyShardedDataParallel are sharded"):
        recorder_of(FullyShardedDataParallel(ResNet()), tmp_path).record(epoch=0)


def test_random_label_heads_do_not_see_the_probe(tmp_path):
    model = ResNet()
    heads = RandomLabelHeads(model, "layer2")
    recorder = recorder_of(model, tmp_path)
    model(IMAGES)
    recorder.record(epoch=0)
    heads(torch.arange(12))
    assert heads._heads["layer2"].rows == 12


def test_a_layer_with_a_name_of_the_file_format_is_refused(tmp_path):
    model = nn.Module()
    model.label = nn.Linear(2, 2)
    model.forward = lambda views: model.label(views)
    with pytest.raises(ValueError, match="cannot be called label"):
        Recorder(model, train=torch.randn(4, 8, 2), folder=tmp_path, layers="label").record(epoch=0)


def test_a_recording_needs_a_place_in_training_and_a_known_unit(tmp_path):
    with pytest.raises(ValueError, match="an epoch or a step"):
        recorder_of(ResNet(), tmp_path).record()
    with pytest.raises(ValueError, match="not 'batch'"):
        recorder_of(ResNet(), tmp_path, unit="batch")
