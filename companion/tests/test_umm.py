import json
import math

import pytest
import torch
from networks import MaskedAutoencoder, Simclr, nt_xent
from torch import nn

from layerscope import coding_rate_reduction, umm
from layerscope.umm import UmmSettings, divergence_from_uniform, finetune
from layerscope.umm_terms import density_proxy
from layerscope.umm_tuner import held_out_reduction, tune


def batches_of(count=4, samples=12, seed=3):
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        sample = torch.randn(samples, 10, generator=generator)
        made.append(tuple(sample + 0.3 * torch.randn(samples, 10, generator=generator) for _ in range(2)))
    return made


SETTINGS = UmmSettings(split="layer1", last="projector", steps=4, learning_rate=1e-3, inner_learning_rate=1e-2)


def state_of(model):
    return {name: values.clone() for name, values in model.state_dict().items()}


def test_the_divergence_is_that_of_its_definition_and_at_most_log_2():
    # p = (1/2, 1/2, 0, 0), u = 1/4 each, m = (3/8, 3/8, 1/8, 1/8).
    expected = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
    assert divergence_from_uniform(torch.tensor([0.5, 0.5, 0, 0], dtype=torch.float64)).item() == pytest.approx(expected)
    assert divergence_from_uniform(torch.full((5,), 0.2, dtype=torch.float64)).item() == pytest.approx(0, abs=1e-15)
    spike = torch.zeros(10**6, dtype=torch.float64)
    spike[0] = 1
    assert divergence_from_uniform(spike).item() == pytest.approx(math.log(2), rel=1e-4)


def test_the_divergence_is_that_of_scipy():
    distance = pytest.importorskip("scipy.spatial.distance")
    for probabilities in (torch.rand(9, dtype=torch.float64), torch.rand(100, dtype=torch.float64) ** 8):
        probabilities = probabilities / probabilities.sum()
        uniform = torch.full_like(probabilities, 1 / len(probabilities))
        expected = distance.jensenshannon(probabilities.numpy(), uniform.numpy()) ** 2
        assert divergence_from_uniform(probabilities).item() == pytest.approx(expected, abs=1e-12)


def test_the_density_proxy_is_the_inverse_length_of_the_gradient_scaled_to_one():
    early = [torch.randn(3, 2, dtype=torch.float64, requires_grad=True), torch.randn(2, 2, dtype=torch.float64, requires_grad=True)]
    scale = torch.tensor([1.0, 2.0, 4.0, 5.0, 10.0], dtype=torch.float64)
    # Of the loss sum of scale * first entry, every gradient has the length of its scale.
    proxy = density_proxy((torch.cat(early)[:, 0] * scale).sum(), early)
    assert torch.allclose(proxy.detach(), (1 / scale) / (1 / scale).sum())


def test_the_divergence_has_a_gradient_by_the_late_parameters_that_finite_differences_confirm():
    torch.manual_seed(0)
    late = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    early = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)

    def divergence():
        return divergence_from_uniform(density_proxy(late(early).square().mean(), [early]))

    (gradient,) = torch.autograd.grad(divergence(), [late[0].weight])
    assert gradient.abs().sum() > 1e-6
    step = 1e-6
    for index in ((0, 0), (3, 2)):
        with torch.no_grad():
            late[0].weight[index] += step
        above = divergence().item()
        with torch.no_grad():
            late[0].weight[index] -= 2 * step
        below = divergence().item()
        with torch.no_grad():
            late[0].weight[index] += step
        assert float(gradient[index]) == pytest.approx((above - below) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("second_order", [True, False])
def test_the_outer_gradient_is_that_of_the_definition(second_order, monkeypatch):
    """Written out for one linear late layer, with the derivative through the inner step taken by differences of the outer loss itself."""
    # In double precision the differences of gradients can be as close as it takes.
    monkeypatch.setattr(umm, "DIFFERENCE", 1e-5)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)).double()
    inner, outer = (torch.randn(2, 5, 4, dtype=torch.float64) for _ in range(2))
    settings = UmmSettings(split="0", last="1", beta=0.7, gamma=0.3, inner_learning_rate=0.05, second_order=second_order)
    loss_of = lambda plain, batch: torch.cat([plain(view) for view in batch]).pow(4).mean()

    def by_hand(weight):
        def outputs(batch, late):
            early = [model[0](view).detach().requires_grad_() for view in batch]
            return early, torch.cat([z @ late.t() + model[1].bias.detach() for z in early])

        early, rows = outputs(inner, weight)
        loss = rows.pow(4).mean()
        total = loss + 0.7 * divergence_from_uniform(density_proxy(loss, early))
        (gradient,) = torch.autograd.grad(total, weight)
        bias = model[1].bias.detach().clone().requires_grad_()
        early = [model[0](view).detach().requires_grad_() for view in inner]
        rows = torch.cat([z @ weight.detach().t() + bias for z in early])
        loss = rows.pow(4).mean()
        (bias_gradient,) = torch.autograd.grad(loss + 0.7 * divergence_from_uniform(density_proxy(loss, early)), bias)
        fast, fast_bias = (weight - 0.05 * gradient).detach().requires_grad_(), bias.detach() - 0.05 * bias_gradient
        rows = torch.cat([model[0](view).detach() @ fast.t() + fast_bias for view in outer])
        value = rows.pow(4).mean() - 0.3 * coding_rate_reduction(rows.reshape(2, 5, 3).transpose(0, 1), 0.1)
        return value, torch.autograd.grad(value, fast)[0]

    problem = umm._Problem(model, loss_of, settings)
    with problem.prepared(inner) as late:
        assert list(late) == ["model.1.weight", "model.1.bias"]
        fast, _, _ = problem.inner_step(late, inner, 0)
        value, _ = problem.outer_loss(fast, outer, 0)
        found = problem.outer_gradients(late, fast, inner, outer, 0)[0]["model.1.weight"]
    weight = model[1].weight.detach().clone().requires_grad_()
    expected_value, first_order = by_hand(weight)
    assert value.item() == pytest.approx(expected_value.item())
    if not second_order:
        assert torch.allclose(found, first_order)
        return
    for index in ((0, 0), (2, 1)):
        shift = torch.zeros(3, 3, dtype=torch.float64)
        shift[index] = 1e-5
        above, below = (by_hand((weight.detach() + sign * shift).requires_grad_())[0].item() for sign in (1, -1))
        assert float(found[index]) == pytest.approx((above - below) / 2e-5, rel=1e-4)
    assert not torch.allclose(found, first_order, rtol=1e-3)


def test_the_coding_rate_reduction_is_raised_and_not_lowered():
    def reduction_after(gamma):
        torch.manual_seed(0)
        model, (batch, *_) = Simclr(), batches_of(1)
        model.train()
        finetune(model, [batch], nt_xent, SETTINGS, gamma=gamma, beta=0.0, steps=8, learning_rate=1e-2)
        with torch.no_grad():
            rows = torch.cat([model(view) for view in batch])
        return float(coding_rate_reduction(rows.reshape(2, 12, 6).transpose(0, 1).double(), 0.1))

    assert reduction_after(1.0) > reduction_after(0.0) + 0.1


def test_the_density_term_makes_the_early_gradients_more_even():
    def divergence_after(beta):
        torch.manual_seed(0)
        options = {"gamma": 0.0, "beta": beta, "steps": 40, "learning_rate": 1e-4, "inner_learning_rate": 0.02}
        return sum(finetune(Simclr(), batches_of(1), nt_xent, SETTINGS, **options).divergence[-5:])

    assert divergence_after(5.0) < 0.5 * divergence_after(0.0)


def test_layers_up_to_the_split_stay_as_they_are_and_everything_after_is_trained():
    model = Simclr()
    before = state_of(model)
    history = finetune(model, batches_of(), nt_xent, SETTINGS, split="layer2")
    after = model.state_dict()
    for name, values in before.items():
        unchanged = torch.equal(values, after[name])
        assert unchanged == name.startswith(("layer1", "layer2")), name
    assert len(history.ssl_loss) == len(history.divergence) == len(history.reduction) == 4
    assert all(math.isfinite(value) for value in history.ssl_loss + history.divergence + history.reduction)


def test_passes_beside_the_way_do_not_count_in_running_statistics():
    model = Simclr()
    finetune(model, batches_of(), nt_xent, SETTINGS, steps=3)
    # Two views for each of the two problems; the layers before the split are in evaluation mode.
    assert [int(model.get_submodule(name)[1].num_batches_tracked) for name in ("layer1", "layer2")] == [0, 3 * 4]


def test_modes_gradients_and_frozen_parameters_are_those_from_before():
    model = Simclr()
    model.eval()
    model.layer3[0].bias.requires_grad_(False)
    model.projector.weight.grad = torch.ones_like(model.projector.weight)
    bias = model.layer3[0].bias.clone()
    finetune(model, batches_of(), nt_xent, SETTINGS)
    assert not any(module.training for module in model.modules()) and not any(module._forward_hooks for module in model.modules())
    assert [name for name, parameter in model.named_parameters() if not parameter.requires_grad] == ["layer3.0.bias"]
    assert torch.equal(model.layer3[0].bias, bias) and torch.equal(model.projector.weight.grad, torch.ones_like(model.projector.weight))


def test_a_momentum_encoder_that_runs_first_is_not_taken_for_an_early_layer():
    class Byol(nn.Module):
        def __init__(self):
            super().__init__()
            self.online, self.target = Simclr(), Simclr()
            self.target.requires_grad_(False)

    def loss_of(model, batch):
        with torch.no_grad():
            goals = [model.target(view) for view in batch]
        outputs = [model.online(view) for view in batch]
        return sum(2 - 2 * nn.functional.cosine_similarity(output, goal).mean() for output, goal in zip(outputs, reversed(goals)))

    model = Byol()
    problem = umm._Problem(model, loss_of, UmmSettings(split="online.layer1", last="online.projector"))
    with problem.prepared(batches_of()[0]) as late:
        assert not model.online.layer1[1].training and model.target.layer1[1].training and model.online.layer2[1].training
        assert all(name.startswith("model.online.") and ".layer1." not in name for name in late)
    updates = []
    finetune(model, batches_of(), loss_of, split="online.layer1", last="online.projector", steps=3, after_step=lambda plain, step: updates.append(step))
    assert updates == [1, 2, 3]


def test_a_masked_autoencoder_is_fine_tuned_with_two_masks_as_views():
    model, images = MaskedAutoencoder(), torch.randn(3, 6, 3, 8, 8)
    before = state_of(model)
    history = finetune(model, images, lambda plain, batch: plain(batch)[0] + plain(batch)[0], split="blocks.0", last="blocks.1", steps=3)
    changed = {name for name, values in model.state_dict().items() if not torch.equal(values, before[name])}
    assert "blocks.1.mlp.0.weight" in changed and "decoder_pred.weight" in changed and "mask_token" in changed
    assert not any(name.startswith(("blocks.0", "patch_embed", "pos_embed", "cls_token")) for name in changed)
    assert all(math.isfinite(value) for value in history.reduction)


def test_fused_attention_can_be_fine_tuned():
    if not hasattr(nn.functional, "scaled_dot_product_attention"):
        pytest.skip("fused attention came with PyTorch 2.0")

    class Fused(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(5, 8), nn.Linear(8, 8)

        def forward(self, x):
            x = self.first(x.unflatten(1, (2, 5))).unsqueeze(1)
            return self.last(nn.functional.scaled_dot_product_attention(x, x, x).squeeze(1).mean(1))

    history = finetune(Fused(), batches_of(), nt_xent, split="first", last="last", steps=2)
    assert len(history.ssl_loss) == 2


def test_the_result_is_an_ordinary_checkpoint(tmp_path):
    model = Simclr()
    finetune(model, batches_of(), nt_xent, SETTINGS, checkpoint=tmp_path / "checkpoints" / "umm.pt")
    checkpoint = torch.load(tmp_path / "checkpoints" / "umm.pt")
    Simclr().load_state_dict(checkpoint["model"])
    assert all(torch.equal(values, checkpoint["model"][name]) for name, values in model.state_dict().items())
    assert checkpoint["step"] == 4 and checkpoint["umm"]["split"] == "layer1" and checkpoint["umm"]["beta"] == 1.0


def test_layers_that_do_not_exist_or_do_not_run_are_named():
    with pytest.raises(ValueError, match="Simclr has no layer 'layer9'"):
        finetune(Simclr(), batches_of(), nt_xent, SETTINGS, split="layer9")
    model = Simclr()
    model.unused = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="does not run the layer 'unused'"):
        finetune(model, batches_of(), nt_xent, SETTINGS, split="unused")
    with pytest.raises(ValueError, match="does not run the layer 'unused'"):
        finetune(model, batches_of(), nt_xent, SETTINGS, last="unused")
    with pytest.raises(ValueError, match="no parameter is trained"):
        finetune(Simclr(), batches_of(), nt_xent, SETTINGS, split="projector")
    with pytest.raises(ValueError, match="the loader gives no batch"):
        finetune(Simclr(), [], nt_xent, SETTINGS)


def test_the_tuner_takes_the_best_trial_leaves_the_model_and_writes_down_what_it_did(tmp_path):
    model = Simclr()
    before = state_of(model)
    calls = []

    def evaluate(candidate):
        candidate.eval()
        with torch.no_grad():
            calls.append(float(candidate(batches_of()[0][0]).square().mean()))
        return calls[-1]

    record = tmp_path / "umm.json"
    options = {"splits": ["layer1", "layer2"], "gammas": [0.01, 1.0], "steps": [2, 4], "trials": 3, "seed": 1, "record": record}
    choose = lambda: tune(model, batches_of(), nt_xent, evaluate, SETTINGS, **options)
    choice = choose()
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items()) and model.training
    assert len(choice.trials) == 6 and {trial.settings.steps for trial in choice.trials} == {2, 4}
    assert choice.untouched == calls[0] and choice.score == max(calls)
    document = json.loads(record.read_text())
    assert document["choice"]["settings"]["split"] == choice.settings.split and document["choice"]["score"] == choice.score
    assert len(document["trials"]) == 6 and document["searched"]["gammas"] == [0.01, 1.0]
    torch.rand(7)
    assert choose().trials == choice.trials


def test_the_tuner_chooses_no_step_when_nothing_is_better_than_the_model_as_it_is():
    scores = iter([1.0, 0.5, float("nan"), 0.2, None])
    choice = tune(Simclr(), batches_of(), nt_xent, lambda model: next(scores), SETTINGS, betas=[1.0], gammas=[0.1, 0.2], steps=[1, 2])
    assert choice.settings.steps == 0 and choice.score == choice.untouched == 1.0
    assert [trial.score for trial in choice.trials] == [0.5, None, 0.2, None]


def test_the_score_without_labels_is_held_out_reduction_and_refuses_a_worse_loss():
    model, batches, worse = Simclr(), batches_of(3), [0.0]
    evaluate = held_out_reduction(batches, lambda plain, batch: nt_xent(plain, batch) + worse[0], SETTINGS, tolerance=0.1)
    found = evaluate(model)
    model.eval()
    with torch.no_grad():
        rows = torch.cat([torch.stack([model(view) for view in batch], dim=1) for batch in batches])
        loss = sum(float(nt_xent(model, batch)) for batch in batches) / 3
    assert found == pytest.approx(float(coding_rate_reduction(rows.double(), 0.1)), rel=1e-6)
    worse[0] = 0.09 * loss
    assert evaluate(model) == found
    worse[0] = 0.11 * loss
    assert evaluate(model) is None
