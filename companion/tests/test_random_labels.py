import math

import pytest
import torch
from networks import ResNet, Simclr
from torch import nn
from torch.nn import functional

from layerscope import RandomLabelHeads, linear_warmup, random_labels, suppression_penalty

INPUTS = torch.randn(32, 10, generator=torch.Generator().manual_seed(1))
IDS = torch.arange(100, 132)


def train(steps=5, heads_of=None, seed=0, learning_rate=1e-2):
    """A small supervised training; `heads_of` makes heads whose penalty is added to the loss."""
    torch.manual_seed(seed)
    model = Simclr()
    heads = heads_of(model) if heads_of else None
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        loss = model(INPUTS).square().mean() + (heads(IDS) if heads else 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, heads


def test_the_penalty_is_minus_log_one_minus_p_also_where_p_is_almost_one():
    logits, labels = torch.randn(3, 7, 5, dtype=torch.float64), torch.randint(5, (3, 7))
    p = torch.softmax(logits, -1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(suppression_penalty(logits, labels), -torch.log(1 - p))
    certain = suppression_penalty(torch.tensor([[60.0, 0.0, 0.0]]), torch.tensor([0]))
    assert float(certain) == pytest.approx(60 - math.log(2))


def test_minimizing_the_penalty_lowers_the_probability_of_the_assigned_label():
    logits = torch.randn(20, 4, requires_grad=True)
    labels = torch.randint(4, (20,))
    before = torch.softmax(logits, -1).gather(1, labels.unsqueeze(1)).mean()
    suppression_penalty(logits, labels).sum().backward()
    after = torch.softmax(logits - 0.1 * logits.grad, -1).gather(1, labels.unsqueeze(1)).mean()
    assert after < before


def test_heads_that_only_measure_change_nothing_of_the_training():
    plain, _ = train()
    watched, heads = train(heads_of=lambda model: RandomLabelHeads(model, ["layer1", "projector"], heads=3))
    assert all(torch.equal(a, b) for a, b in zip(plain.state_dict().values(), watched.state_dict().values()))
    assert heads.calls == 5


def test_heads_are_in_no_checkpoint_and_no_parameter_list_of_the_model():
    model = Simclr()
    names, count = list(model.state_dict()), len(list(model.parameters()))
    heads = RandomLabelHeads(model, "layer2")
    model(INPUTS)
    heads(IDS)
    assert list(model.state_dict()) == names and len(list(model.parameters())) == count
    heads.remove()
    assert not any(module._forward_hooks for module in model.modules())


def test_the_penalty_reaches_the_layers_before_and_neither_the_head_nor_the_layers_after():
    model = Simclr()
    heads = RandomLabelHeads(model, "layer2", weight=2.0)
    model(INPUTS)
    # At zero the heads have no direction yet.
    heads(IDS)
    model(INPUTS)
    penalty = heads(IDS)
    penalty.backward()
    assert model.layer1[0].weight.grad.abs().sum() > 0 and model.layer2[0].weight.grad.abs().sum() > 0
    assert model.layer3[0].weight.grad is None and model.projector.weight.grad is None
    assert heads._heads["layer2"].weights.grad is None


def test_the_penalty_is_the_weighted_sum_over_layers_of_the_mean_over_rows_and_heads():
    model = Simclr()
    heads = RandomLabelHeads(model, ["layer1", "projector"], classes=3, heads=2, weight=0.5, standardize=False, seed=9)
    features = {}
    for name in ("layer1", "projector"):
        model.get_submodule(name).register_forward_hook(lambda module, inputs, output, name=name: features.__setitem__(name, output.detach()))
    for _ in range(3):
        model(INPUTS)
        weights = {name: (own.weights.detach().clone(), own.intercepts.detach().clone()) for name, own in heads._heads.items()}
        penalty = heads(IDS)
    expected = 0.0
    for name, (weight, intercept) in weights.items():
        terms = [-torch.log(1 - torch.softmax(features[name] @ weight[head].t() + intercept[head], 1).gather(1, random_labels(9, head, IDS, 3).unsqueeze(1))).mean()
                 for head in range(2)]
        expected += sum(terms) / 2
    assert float(penalty.detach()) == pytest.approx(0.5 * float(expected), rel=1e-5)


def test_each_head_learns_as_if_it_were_alone_by_cross_entropy():
    model = Simclr()
    heads = RandomLabelHeads(model, "layer1", classes=4, heads=2, standardize=False, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.5))
    model(INPUTS)
    heads(IDS)
    model.zero_grad()
    weight = torch.zeros(4, 8, requires_grad=True)
    with torch.no_grad():
        features = model.layer1(INPUTS)
    functional.cross_entropy(features @ weight.t(), random_labels(0, 1, IDS, 4)).backward()
    assert torch.allclose(heads._heads["layer1"].weights[1], -0.5 * weight.grad, atol=1e-5)


def test_a_head_learns_random_labels_of_distinct_samples_and_not_of_equal_ones():
    def score(inputs):
        model = nn.Sequential(nn.Linear(40, 40))
        heads = RandomLabelHeads(model, "0", learning_rate=0.1)
        for _ in range(60):
            model(inputs)
            heads(IDS)
            last = heads.scores()
        return last["0"]

    assert score(torch.randn(32, 40)) > 0.95
    assert score(torch.randn(1, 40).expand(32, 40)) < 0.4


def test_the_regularizer_suppresses_memorization_where_it_acts():
    def final_score(weight):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 4))
        inputs, targets, ids = torch.randn(32, 64), torch.randint(4, (32,)), torch.arange(32)
        heads = RandomLabelHeads(model, "1", classes=4, heads=2, weight=weight, learning_rate=0.05)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for step in range(150):
            loss = functional.cross_entropy(model(inputs), targets) + heads(ids)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step == 119:
                heads.scores()
        with torch.no_grad():
            correct = (model(inputs).argmax(1) == targets).double().mean()
        return heads.scores()["1"], float(correct)

    free, _ = final_score(0.0)
    held, accuracy = final_score(3.0)
    assert held < free - 0.2
    assert accuracy > 0.9


def test_the_weight_follows_its_schedule_by_calls():
    model = Simclr()
    heads = RandomLabelHeads(model, "layer1", weight=linear_warmup(1.0, 2))
    penalties = []
    for _ in range(3):
        model(INPUTS)
        penalties.append(heads(IDS))
    assert penalties[0].item() == 0 and not penalties[0].requires_grad
    assert penalties[1].requires_grad and penalties[2].item() > 0


def test_several_views_may_come_at_once_or_one_after_the_other():
    model = Simclr()
    heads = RandomLabelHeads(model, "projector")
    model(torch.cat([INPUTS, INPUTS + 1]))
    heads(IDS)
    model(INPUTS), model(INPUTS + 1), model(INPUTS + 2)
    heads(IDS)
    assert heads._heads["projector"].rows == 5 * 32
    model(INPUTS[:30])
    with pytest.raises(ValueError, match="gave 30 rows, which is no multiple of 32 sample ids"):
        heads(IDS)


def test_passes_in_evaluation_mode_are_not_learned_from():
    model = Simclr()
    heads = RandomLabelHeads(model, "layer1")
    model.eval()
    model(INPUTS)
    with pytest.raises(RuntimeError, match="layer layer1 has not been called in training mode"):
        heads(IDS)


def test_heads_that_are_never_called_say_so_instead_of_filling_the_memory():
    model = Simclr()
    RandomLabelHeads(model, "layer1")
    with pytest.raises(RuntimeError, match="its random-label heads never"):
        for _ in range(100):
            model(INPUTS)


def test_maps_are_averaged_and_standardized_heads_do_not_depend_on_the_scale():
    images = torch.randn(16, 3, 8, 8)
    scores = []
    for scale in (1.0, 1e4):
        torch.manual_seed(0)
        model = nn.Sequential(ResNet().layer1, nn.Identity())
        model[0][0].conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        model[0][0].downsample = nn.Conv2d(3, 4, 1, bias=False)
        model[1].register_forward_hook(lambda module, inputs, output, scale=scale: output * scale)
        heads = RandomLabelHeads(model, "1", classes=2, learning_rate=0.1)
        for _ in range(20):
            model(images)
            heads(torch.arange(16))
        scores.append(heads.scores()["1"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-6) and scores[0] > 0.1


def test_heads_resume_where_they_stopped():
    def advance(heads, model, steps):
        for _ in range(steps):
            model(INPUTS)
            heads(IDS)

    torch.manual_seed(0)
    model = Simclr()
    straight = RandomLabelHeads(model, "layer1", heads=2)
    advance(straight, model, 6)
    torch.manual_seed(0)
    model = Simclr()
    first = RandomLabelHeads(model, "layer1", heads=2)
    advance(first, model, 3)
    first.remove()
    resumed = RandomLabelHeads(model, "layer1", heads=2)
    resumed.load_state_dict(first.state_dict())
    advance(resumed, model, 3)
    assert resumed.calls == 6
    assert torch.allclose(straight._heads["layer1"].weights, resumed._heads["layer1"].weights, atol=1e-6)


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="at least 1 head is needed, not 0"):
        RandomLabelHeads(Simclr(), heads=0)
    with pytest.raises(ValueError, match="at least 2 classes, not 1"):
        RandomLabelHeads(Simclr(), classes=1)
