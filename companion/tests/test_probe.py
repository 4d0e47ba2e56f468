import random

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from layerscope import Probe
from layerscope.probe import HELD_OUT_IDS_FROM


class Noisy(Dataset):
    """Ten numbers; every look at one gives it with other noise, as a data set with a random transform does."""

    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return index + 0.1 * torch.rand(2) + 0.1 * random.random(), index % 3


def test_views_of_a_sample_differ_and_are_the_same_in_every_probe_of_one_seed():
    first, again, other = (Probe(Noisy(), Noisy(), views=3, samples=4, seed=seed) for seed in (0, 0, 1))
    views = torch.cat(list(first.batches(5)))
    assert views.shape == (24, 2)
    assert torch.equal(views, torch.cat(list(again.batches(100))))
    assert len(views[:, 0].unique()) == 24
    assert not torch.equal(first.sample_ids, other.sample_ids)


def test_views_that_are_made_anew_equal_those_that_are_kept():
    kept, anew = (Probe(Noisy(), Noisy(), views=3, samples=4, keep=keep) for keep in (True, False))
    assert kept.keeps_views and not anew.keeps_views
    for _ in range(2):
        assert torch.equal(torch.cat(list(kept.batches(6))), torch.cat(list(anew.batches(7))))
    assert torch.equal(kept.views_of(5), anew.views_of(5))


def test_making_views_leaves_all_random_numbers_where_they_were():
    torch.manual_seed(3), random.seed(3)
    expected = float(torch.rand(())), random.random()
    torch.manual_seed(3), random.seed(3)
    Probe(Noisy(), Noisy(), views=2, samples=3)
    assert (float(torch.rand(())), random.random()) == expected


def test_an_augmentation_that_does_not_follow_the_seeds_is_refused_when_views_are_made_anew():
    own = torch.Generator().manual_seed(0)
    augment = lambda inputs: inputs + torch.rand(2, generator=own)
    with pytest.raises(ValueError, match="gives another view for the same seed"):
        Probe(torch.randn(4, 2), views=2, augmentation=augment, keep=False)
    assert Probe(torch.randn(4, 2), views=2, augmentation=augment, keep=True).rows == 8


def test_both_parts_have_equally_many_samples_with_ids_of_their_own():
    probe = Probe(Noisy(100), Noisy(5), views=1, samples=20)
    assert len(probe) == 10 and probe.splits.tolist() == [0] * 5 + [1] * 5
    assert probe.sample_ids[5:].tolist() == [HELD_OUT_IDS_FROM + index for index in range(5)]
    assert probe.sample_ids[:5].max() < 100
    assert probe.labels.tolist() == [int(sample) % HELD_OUT_IDS_FROM % 3 for sample in probe.sample_ids]


def test_ready_views_are_taken_as_they_are():
    views, labels = torch.randn(4, 3, 2), torch.tensor([1, 0, 2, 1])
    probe = Probe((views, labels), (views + 1, labels), views=3)
    assert torch.equal(torch.cat(list(probe.batches(4))), torch.cat([views, views + 1]).flatten(0, 1))
    assert probe.labels.tolist() == [1, 0, 2, 1] * 2
    with pytest.raises(ValueError, match=r"\[samples, 8, ...\], but its shape is \[4, 3, 2\]"):
        Probe(views)


def test_items_may_be_inputs_pairs_crops_or_mappings():
    image, crop = torch.zeros(2), torch.ones(2)
    for item, label in [(image, -1), ((image, 4), 4), ([image, crop], -1), (([image, crop], torch.tensor(2)), 2),
                        ({"pixel_values": image, "label": 3}, 3), ((image, 1.5, "name"), -1)]:
        probe = Probe([item, item], views=2)
        assert torch.equal(probe.views_of(0), torch.zeros(2, 2)) and probe.labels.tolist() == [label, label]
    with pytest.raises(ValueError, match="an item has the keys text, none of which is an input"):
        Probe([{"text": 1}])


def test_loaders_and_subsets_are_samples_too():
    loader = DataLoader(Subset(Noisy(), [2, 5, 7]), batch_size=2)
    assert Probe(loader, views=1).sample_ids.tolist() == [0, 1, 2]


def test_samples_that_cannot_be_used_are_refused_with_the_reason():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([])

    with pytest.raises(ValueError, match="Stream does not offer"):
        Probe(Stream())
    with pytest.raises(ValueError, match="no samples"):
        Probe([])
    with pytest.raises(ValueError, match="sample 0 gives str; pass an augmentation"):
        Probe(["image"])
    with pytest.raises(ValueError, match=r"different shapes: \[2\] and, of sample 1, \[3\]"):
        Probe([torch.zeros(2), torch.zeros(3)], views=1)
    with pytest.raises(ValueError, match="not 4 x 0"):
        Probe(Noisy(), views=0, samples=4)
