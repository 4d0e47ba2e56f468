"""Selection, pooling and reading of layers."""

import pytest
import torch
from networks import MaskedAutoencoder, ResNet, Simclr, VisionTransformer
from torch import nn

from layerscope import extract_features, select_layers
from layerscope.pooling import UnusableOutput, pool, prefix_tokens_of, tensor_of


def test_automatic_layers_of_a_resnet_are_its_blocks_and_its_classifier():
    assert select_layers(ResNet(), "auto") == ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "fc"]
    assert select_layers(ResNet(widths=(4, 4, 6), blocks=1), "auto") == ["layer1.0", "layer2.0", "layer3.0", "fc"]


def test_automatic_layers_of_transformers_are_their_blocks():
    assert select_layers(VisionTransformer(), "auto") == ["blocks.0", "blocks.1", "blocks.2", "head"]
    assert select_layers(MaskedAutoencoder(), "auto") == ["blocks.0", "blocks.1", "decoder_blocks.0", "decoder_blocks.1"]


def test_of_stages_of_blocks_the_blocks_are_taken():
    class Stage(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.Sequential(Simclr(), Simclr())

    model = nn.Module()
    model.layers = nn.ModuleList([Stage(), Stage()])
    model.projection_head = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model.head = nn.Identity()
    assert select_layers(model, "auto") == ["layers.0.blocks.0", "layers.0.blocks.1", "layers.1.blocks.0", "layers.1.blocks.1", "projection_head"]


def test_a_network_without_blocks_gives_its_weight_matrices():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    assert select_layers(model, "auto") == ["0", "4"]


def test_patterns_match_part_by_part():
    model = ResNet()
    assert select_layers(model, "layer*.*") == ["layer1.0", "layer1.1", "layer2.0", "layer2.1"]
    assert select_layers(model, ["layer?.1", "fc"]) == ["layer1.1", "layer2.1", "fc"]
    assert select_layers(model, "layer[!1].0") == ["layer2.0"]
    assert select_layers(model, "**.bn2") == ["layer1.0.bn2", "layer1.1.bn2", "layer2.0.bn2", "layer2.1.bn2"]
    assert select_layers(model, "layer*") == ["layer1", "layer2"]


def test_a_pattern_without_a_match_is_named_with_what_there_is():
    with pytest.raises(ValueError, match=r"no module of ResNet matches 'stage1'; there are conv1, bn1, layer1,"):
        select_layers(ResNet(), ["layer1", "stage1"])


def test_maps_are_averaged_over_positions_and_vectors_kept():
    maps = torch.randn(2, 3, 4, 5)
    values, how = pool(maps, nn.Conv2d(3, 3, 1), 2, "patch_mean", 0)
    assert torch.equal(values, maps.flatten(2).mean(2)) and how == "mean over positions"
    volume = torch.randn(2, 3, 2, 2, 2)
    assert torch.equal(pool(volume, nn.Identity(), 2, "patch_mean", 0)[0], volume.flatten(2).mean(2))
    signal = torch.randn(2, 3, 7)
    assert torch.equal(pool(signal, nn.Conv1d(3, 3, 1), 2, "patch_mean", 0)[0], signal.mean(2))
    vectors = torch.randn(2, 9)
    assert pool(vectors, nn.Linear(9, 9), 2, "patch_mean", 0) == (vectors, "as is")


def test_maps_of_modules_that_normalize_the_last_axis_have_their_channels_last():
    maps = torch.randn(2, 4, 5, 6)
    values, how = pool(maps, nn.Sequential(nn.LayerNorm(6)), 2, "patch_mean", 0)
    assert torch.equal(values, maps.mean(dim=(1, 2))) and how == "mean over positions, channels last"
    convnext = nn.Sequential(nn.Conv2d(4, 4, 3), nn.LayerNorm(4))
    assert pool(torch.randn(2, 4, 4, 4), convnext, 2, "patch_mean", 0)[1] == "mean over positions"


def test_tokens_are_averaged_without_class_token_or_the_class_token_is_taken():
    tokens = torch.randn(2, 5, 3)
    block = nn.LayerNorm(3)
    assert torch.equal(pool(tokens, block, 2, "patch_mean", 1)[0], tokens[:, 1:].mean(1))
    assert torch.equal(pool(tokens, block, 2, "cls", 1)[0], tokens[:, 0])
    assert torch.equal(pool(tokens, block, 2, "mean", 1)[0], tokens.mean(1))
    assert torch.equal(pool(tokens.transpose(0, 1), block, 2, "patch_mean", 1)[0], tokens[:, 1:].mean(1))
    with pytest.raises(UnusableOutput, match="no class token"):
        pool(tokens, block, 2, "cls", 0)
    with pytest.raises(ValueError, match="not 'max'"):
        pool(tokens, block, 2, "max", 0)


def test_half_precision_is_averaged_in_single():
    maps = torch.full((1, 1, 64, 64), 60000.0, dtype=torch.float16)
    assert pool(maps, nn.Identity(), 1, "patch_mean", 0)[0].item() == 60000.0


def test_outputs_without_one_row_a_view_are_refused_with_their_shape():
    with pytest.raises(UnusableOutput, match=r"shape \[8, 3, 4\] has no axis of 2 rows"):
        pool(torch.randn(8, 3, 4), nn.Identity(), 2, "patch_mean", 0)
    with pytest.raises(UnusableOutput, match="torch.int64"):
        pool(torch.zeros(2, 3, dtype=torch.int64), nn.Identity(), 2, "patch_mean", 0)


def test_the_tensor_of_a_tuple_or_a_mapping_is_its_first_or_the_last_hidden_state():
    first, second = torch.zeros(1), torch.ones(1)
    assert tensor_of((None, second, first)) is second
    assert tensor_of({"loss": first, "last_hidden_state": second}) is second
    with pytest.raises(UnusableOutput, match="NoneType"):
        tensor_of(None)


def test_prefix_tokens_are_counted_from_the_parameters():
    assert prefix_tokens_of(VisionTransformer()) == 1 and prefix_tokens_of(ResNet()) == 0
    model = VisionTransformer()
    model.reg_token = nn.Parameter(torch.zeros(1, 4, 8))
    assert prefix_tokens_of(model) == 5


def test_features_equal_those_of_a_direct_pass():
    model, images = ResNet(), torch.randn(6, 3, 8, 8)
    model(images)
    model.eval()
    with torch.no_grad():
        x = torch.relu(model.bn1(model.conv1(images)))
        first = model.layer1(x)
        second = model.layer2[0](first)
        expected = {"layer1.1": first.mean((2, 3)), "layer2.0": second.mean((2, 3)), "fc": model(images)}
    model.train()
    found = extract_features(model, [images], ["layer1.1", "layer2.0", "fc"])
    assert list(found.by_layer) == list(expected)
    for name, values in expected.items():
        assert torch.allclose(found.by_layer[name], values, atol=1e-6)
    split = extract_features(model, images.split(4), "auto").by_layer
    assert torch.allclose(split["fc"], expected["fc"], atol=1e-6)


def test_the_encoder_of_a_masked_autoencoder_sees_all_patches_and_its_decoder_is_left_out():
    model, images = MaskedAutoencoder(), torch.randn(3, 3, 8, 8)
    found = extract_features(model, [images])
    assert list(found.by_layer) == ["blocks.0", "blocks.1"]
    assert found.left_out["decoder_blocks.0"] == "it is not called in the forward pass"
    with torch.no_grad():
        x = torch.cat([model.cls_token.expand(3, -1, -1), model.patch_embed(images).flatten(2).transpose(1, 2)], 1) + model.pos_embed
        expected = model.blocks[0](x)[:, 1:].mean(1)
    assert torch.allclose(found.by_layer["blocks.0"], expected, atol=1e-5)


def test_random_numbers_of_the_forward_pass_are_the_same_at_every_checkpoint():
    model, images = MaskedAutoencoder(), torch.randn(3, 3, 8, 8)
    read = lambda seed: extract_features(model, [images], "blocks.1", forward=lambda plain, views: plain(views), seed=seed).by_layer["blocks.1"]
    first = read(0)
    torch.rand(5)
    assert torch.equal(first, read(0))
    assert not torch.equal(first, read(1))


def test_layers_follow_the_order_of_their_calls_unless_they_are_listed():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.b, self.a = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.b(self.a(x))

    views = [torch.randn(3, 2)]
    assert list(extract_features(Backwards(), views, "?").by_layer) == ["a", "b"]
    assert list(extract_features(Backwards(), views, ["b", "a"]).by_layer) == ["b", "a"]


def test_a_named_layer_that_is_not_called_or_unusable_is_an_error():
    with pytest.raises(ValueError, match="layer decoder_blocks.0: it is not called"):
        extract_features(MaskedAutoencoder(), [torch.randn(2, 3, 8, 8)], ["blocks.0", "decoder_blocks.0"])


def test_a_model_that_needs_more_than_one_argument_asks_for_a_forward():
    class Pair(Simclr):
        def forward(self, first, second):
            return super().forward(first)

    with pytest.raises(RuntimeError, match="pass forward=lambda model, views"):
        extract_features(Pair(), [torch.randn(2, 10)], ["layer1"])
    found = extract_features(Pair(), [torch.randn(2, 10)], ["layer1"], forward=lambda model, views: model(views, views))
    assert found.by_layer["layer1"].shape == (2, 8)
