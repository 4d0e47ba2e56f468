"""What both twins of `npm run bench -- suite` share: reading, the random draws of the other side, the form of a mean, and regression."""

import json
import math
import struct
from functools import lru_cache

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from make_golden import xoshiro128starstar
from random_hash import hash64

DTYPES = {"F16": "<f2", "I32": "<i4"}
SEED, SHUFFLES, REPETITIONS, HEADS = 0, 5, 5, 5
LABEL, LABEL_ORDER, VALIDATION, SHUFFLE = 1, 8, 9, 31
# Newer scikit-learn minimizes the mean loss, older the sum: the same tolerance on the gradient of the mean.
MEAN_LOSS = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 4)


class Probe:
    """A safetensors file whose samples lie side by side, as those of workload.mjs do."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self.header = json.loads(file.read(length))
        self.start = 8 + length
        self.layers = json.loads(self.header["__metadata__"]["layers"])

    def tensor(self, name):
        entry = self.header[name]
        begin, end = entry["data_offsets"]
        with open(self.path, "rb") as file:
            file.seek(self.start + begin)
            return np.frombuffer(file.read(end - begin), dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])

    def parts(self, layer, part_of):
        """Train and held-out part of a layer: of each what `part_of` makes of number, rows, and ids, labels and views of the samples."""
        x, ids = self.tensor(layer).astype(np.float32), self.tensor("sample_id")
        split, label = self.tensor("split"), self.tensor("label")
        views = int((ids == ids[0]).sum())
        assert (ids.reshape(-1, views) == ids[::views, None]).all()
        heldout = int(np.argmax(split))
        assert (split[heldout:] == 1).all()
        ranges = (slice(0, heldout), slice(heldout, None))
        return [part_of(number, x[rows], ids[rows][::views], label[rows][::views], views) for number, rows in enumerate(ranges)]


def mean_form(numerator, denominator=None):
    """A mean over samples: offset, factor, numerators, denominators."""
    return 0.0, 1.0, numerator, np.ones(len(numerator)) if denominator is None else denominator


def regression(x, labels, strength, tolerance, start=None):
    """`start`: a model to go on from."""
    model = start or LogisticRegression(max_iter=1000, warm_start=True)
    model.set_params(C=1 / (strength * len(x)), tol=tolerance if MEAN_LOSS else tolerance * len(x))
    return model.fit(x, labels)


def prepare(part):
    """Hashes of whole numbers are slow in Python only: neither they nor the draws that stand on them are what is timed."""
    ids = tuple(part.ids.tolist())
    for round_ in range(max(HEADS, REPETITIONS)):
        hashes(LABEL, round_, ids)
        hashes(LABEL_ORDER, round_, ids)
    validation_keys(ids)
    for view in range(part.views):
        shuffles(part.samples, part.number, view)


@lru_cache(maxsize=None)
def hashes(purpose, round_, ids):
    return np.array([hash64(purpose, SEED, round_, one) for one in ids], dtype=np.uint64)


@lru_cache(maxsize=None)
def validation_keys(ids):
    return np.array([hash64(VALIDATION, SEED, one) for one in ids], dtype=np.uint64)


def random_labels(part, classes):
    """[heads][samples]"""
    ids = tuple(part.ids.tolist())
    return [((hashes(LABEL, head, ids) >> np.uint64(32)) * np.uint64(classes) >> np.uint64(32)).astype(int) for head in range(HEADS)]


def label_places(part):
    """[repetitions][samples] in which order samples are labelled."""
    ids = tuple(part.ids.tolist())
    places = []
    for repetition in range(REPETITIONS):
        place = np.empty(part.samples, dtype=np.int32)
        place[np.argsort(hashes(LABEL_ORDER, repetition, ids))] = np.arange(part.samples)
        places.append(place)
    return places


def validation_folds(part, folds):
    """[samples] the fold in which each is held back."""
    keys = validation_keys(tuple(part.ids.tolist()))
    fold = np.empty(part.samples, dtype=int)
    fold[np.lexsort((keys, part.labels))] = np.arange(part.samples) % folds
    return fold


@lru_cache(maxsize=None)
def shuffles(samples, number, view):
    """The orders that src/metrics/neighbours/mstDimension.ts draws."""
    numbers = xoshiro128starstar(SHUFFLE, SEED, number, view)
    orders = []
    for _ in range(SHUFFLES):
        order = np.arange(samples)
        for place in range(samples - 1):
            other = place + math.floor(next(numbers) / 2**32 * (samples - place))
            order[place], order[other] = order[other], order[place]
        orders.append(order)
    return np.array(orders)
