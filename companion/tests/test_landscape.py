import json

import numpy
import pytest
import torch
from networks import MaskedAutoencoder, ResNet
from torch import nn

from layerscope import filter_normalized_directions, loss_surface


def test_slices_have_the_length_of_those_of_the_model_and_the_directions_are_orthogonal():
    model = ResNet(widths=(16, 32))
    first, second = filter_normalized_directions(model, seed=0)
    parameters = dict(model.named_parameters())
    assert set(first) == set(second) == {name for name, values in parameters.items() if values.dim() >= 2}
    inner, lengths = 0.0, 0.0
    for name in first:
        expected = parameters[name].detach().flatten(1).norm(dim=1)
        assert torch.allclose(first[name].flatten(1).norm(dim=1), expected, rtol=1e-5)
        inner += float((first[name].double() * second[name].double()).sum())
        lengths += float(first[name].double().square().sum())
    assert abs(inner) < 1e-5 * lengths
    # Making them orthogonal turns the second by little: two random directions nearly are.
    of_second = float(sum(values.double().square().sum() for values in second.values()))
    assert of_second == pytest.approx(lengths, rel=0.02)


def test_tables_and_tensors_with_one_axis_stay_fixed():
    first, _ = filter_normalized_directions(MaskedAutoencoder())
    assert not any(name.endswith(("pos_embed", "cls_token", "mask_token", "bias")) or ".norm" in name for name in first)
    assert "blocks.0.attn.qkv.weight" in first and "patch_embed.weight" in first


def test_directions_follow_from_the_seed_alone():
    model = ResNet()
    first, _ = filter_normalized_directions(model, seed=3)
    torch.rand(9)
    again, _ = filter_normalized_directions(model, seed=3)
    other, _ = filter_normalized_directions(model, seed=4)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_the_surface_of_a_quadratic_loss_is_its_closed_form_with_x_along_the_second_axis():
    model = nn.Linear(3, 4, bias=False).double()
    loss = lambda plain, batch: (plain.weight * batch).sum() ** 2
    weights = torch.randn(4, 3, dtype=torch.float64)
    surface = loss_surface(model, [weights], loss, grid=5, reach=0.5)
    first, second = filter_normalized_directions(model)
    c, a, b = (float((values * weights).sum()) for values in (model.weight.detach(), first["weight"], second["weight"]))
    x, y = numpy.meshgrid(numpy.linspace(-0.5, 0.5, 5), numpy.linspace(-0.5, 0.5, 5))
    assert numpy.allclose(surface.loss.numpy(), (c + a * x + b * y) ** 2)
    assert surface.x.tolist() == surface.y.tolist() == [-0.5, -0.25, 0.0, 0.25, 0.5]


def test_the_middle_is_the_loss_of_the_model_and_the_model_stays_bit_for_bit():
    model, images = ResNet(), torch.randn(6, 3, 8, 8)
    model(images)
    model.train()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    surface = loss_surface(model, images.split(4), lambda plain, batch: plain(batch).square().mean(), grid=3)
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items()) and model.training
    model.eval()
    with torch.no_grad():
        assert float(surface.loss[1, 1]) == pytest.approx(float(model(images).square().mean()), rel=1e-5)


def test_masks_are_the_same_at_every_point_and_random_numbers_outside_go_on():
    model, images = MaskedAutoencoder(), torch.randn(4, 3, 8, 8)
    drawn = []

    def loss(plain, batch):
        drawn.append(plain(batch, mask_ratio=0.5)[2])
        return plain(batch, mask_ratio=0.5)[0]

    torch.manual_seed(2)
    expected = torch.rand(3)
    torch.manual_seed(2)
    first = loss_surface(model, [images], loss, grid=3, seed=5)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(mask, drawn[0]) for mask in drawn) and len(drawn) == 9
    assert torch.equal(first.loss, loss_surface(model, [images], loss, grid=3, seed=5).loss)


def test_the_model_is_put_back_after_an_error():
    model = ResNet()
    before = {name: values.clone() for name, values in model.state_dict().items()}

    def broken(plain, batch):
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        loss_surface(model, [torch.randn(2, 3, 8, 8)], broken, grid=3)
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())


def test_the_file_holds_axes_loss_seed_and_options(tmp_path):
    model = nn.Linear(3, 4)
    points = []
    surface = loss_surface(model, [(torch.randn(6, 3), None), (torch.randn(2, 3), None)], lambda plain, batch: plain(batch[0]).square().mean(), grid=3, seed=7,
                           on_point=lambda done, all_points: points.append((done, all_points)))
    surface.save(tmp_path / "surface.npz")
    assert points == [(number, 9) for number in range(1, 10)]
    with numpy.load(tmp_path / "surface.npz", allow_pickle=False) as file:
        assert sorted(file) == ["layerscope_surface", "loss", "options", "seed", "x", "y"]
        assert str(file["layerscope_surface"]) == "1" and int(file["seed"]) == 7
        assert file["loss"].shape == (3, 3) and file["loss"].dtype == numpy.float64 and file["x"].tolist() == [-1, 0, 1]
        options = json.loads(str(file["options"]))
    assert options["samples"] == 8 and options["batches"] == 2 and options["orthogonal"] is True and options["grid"] == 3


def test_grids_without_a_middle_and_models_without_filters_are_refused():
    with pytest.raises(ValueError, match="not 4"):
        loss_surface(nn.Linear(2, 2), [torch.zeros(1)], lambda plain, batch: batch, grid=4)
    with pytest.raises(ValueError, match="no parameter with two axes"):
        filter_normalized_directions(nn.BatchNorm1d(3))
    with pytest.raises(ValueError, match="no batches"):
        loss_surface(nn.Linear(2, 2), [], lambda plain, batch: batch)
