"""Heads that learn labels: random ones (how much a layer lets memorize) and those of the probe."""

import numpy as np
import scipy.sparse.linalg

from twin_common import REPETITIONS, SEED, label_places, mean_form, random_labels, regression, validation_folds

CLASSES, L2 = 10, 1e-4
NEIGHBOURS, TEMPERATURE, SHARES = 20, 0.07, (1 / 8, 1 / 4, 1 / 2)
FOLDS, STRENGTHS = 4, (1, 0.1, 0.01, 0.001, 0.0001)
controls = {}


def random_label(part):
    views, samples, d = part.views, part.samples, part.width
    k = min(64, samples // 8)
    x = part.x.astype(np.float64).reshape(samples, views, d)
    fit, other = x[:, 0::2].reshape(-1, d), x[:, 1::2].reshape(-1, d)
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    deviation[deviation == 0] = 1
    fit = (fit - mean) / deviation
    other = (other - mean) / deviation
    # Lanczos' way is quicker than all of LAPACK's here.
    _, vectors = scipy.sparse.linalg.eigsh(fit.T @ fit, k, ncv=3 * k, v0=np.ones(d))
    fit, other = fit @ vectors, other @ vectors
    labels = random_labels(part, CLASSES)
    right = {"fit": [], "transfer": []}
    for own in labels:
        of_fit, of_other = np.repeat(own, (views + 1) // 2), np.repeat(own, views // 2)
        model = regression(fit, of_fit, L2, 1e-5)
        right["fit"].append(model.predict(fit) == of_fit)
        right["transfer"].append(model.predict(other) == of_other)
    # Random rows know nothing of the layer: one control does for all that have as many components.
    key = (fit.shape, part.ids.tobytes())
    if key not in controls:
        noise = np.random.default_rng(SEED).standard_normal(fit.shape)
        targets = [np.repeat(own, (views + 1) // 2) for own in labels]
        controls[key] = [regression(noise, one, L2, 1e-5).predict(noise) == one for one in targets]
    right["control"] = controls[key]
    found = {}
    for name, heads in right.items():
        own = np.mean(heads, axis=0).reshape(samples, -1).mean(axis=1)
        scale = 1 / (1 - 1 / CLASSES)
        found[f"random_label_{name}"] = ((own.mean() - 1 / CLASSES) * scale, (-scale / CLASSES, scale, own, np.ones(samples)))
    return found


def nearest_rows(similarities, count):
    """Places of the largest of each row, descending."""
    count = min(count, similarities.shape[1])
    places = np.argpartition(similarities, -count, axis=1)[:, -count:] if count < similarities.shape[1] else np.broadcast_to(np.arange(count), similarities.shape)
    order = np.take_along_axis(similarities, places, axis=1).argsort(axis=1)[:, ::-1]
    return np.take_along_axis(places, order, axis=1)


def winners(similarities, labels, taken):
    """Of each row the class with the largest sum of exp(similarity / temperature) over what is taken."""
    rows, columns = np.nonzero(taken)
    weights = np.exp((similarities[rows, columns] - similarities[rows, 0]) / TEMPERATURE)
    votes = np.bincount(rows * CLASSES + labels[rows, columns], weights, minlength=len(taken) * CLASSES)
    return votes.reshape(-1, CLASSES).argmax(axis=1)


def knn(part):
    """The rows nearest to each are sorted once; each look at a subset of the labels takes those of them that are in it."""
    bank = part.train
    own_labels, bank_labels = np.repeat(part.labels, part.views), np.repeat(bank.labels, bank.views)
    joined = [np.repeat(place, bank.views) for place in label_places(bank)]
    sizes = [int(np.floor(share * bank.samples + 0.5)) for share in SHARES]
    looked = [24 * NEIGHBOURS, 12 * NEIGHBOURS, 6 * NEIGHBOURS]
    right = [np.empty(part.rows, dtype=bool) for _ in range(1 + REPETITIONS * len(SHARES))]
    block = 1024
    for first in range(0, part.rows, block):
        rows = slice(first, first + block)
        similarities = part.unit32[rows] @ bank.unit32.T
        if part is bank:
            for at in range(0, len(similarities), part.views):
                similarities[at : at + part.views, first + at : first + at + part.views] = -np.inf
        places = nearest_rows(similarities, looked[0])
        near, labels = np.take_along_axis(similarities, places, axis=1), bank_labels[places]
        answers = [winners(near[:, :NEIGHBOURS], labels[:, :NEIGHBOURS], np.ones((len(near), NEIGHBOURS), dtype=bool))]
        for place in joined:
            ranks = place[places]
            for size, width in zip(sizes, looked):
                inside = ranks[:, :width] < size
                counts = np.cumsum(inside, axis=1, dtype=np.int16)
                answer = winners(near, labels, inside & (counts <= NEIGHBOURS))
                few = np.flatnonzero(counts[:, -1] < NEIGHBOURS)
                if len(few) > 0:
                    chosen = np.flatnonzero(place < size)
                    some = similarities[np.ix_(few, chosen)]
                    best = nearest_rows(some, NEIGHBOURS)
                    values = np.take_along_axis(some, best, axis=1)
                    answer[few] = winners(values, bank_labels[chosen][best], np.isfinite(values))
                answers.append(answer)
        for own, answer in zip(right, answers):
            own[rows] = answer == own_labels[rows]
    by_sample = [own.reshape(part.samples, -1).mean(axis=1) for own in right]
    doublings = np.log2(sizes + [bank.samples])
    weights = (doublings - doublings.mean()) / ((doublings - doublings.mean()) ** 2).sum()
    curves = [by_sample[1 + at * len(SHARES) :][: len(SHARES)] + by_sample[:1] for at in range(REPETITIONS)]
    slope = np.mean([weights @ np.array(curve) for curve in curves], axis=0)
    return {"knn_accuracy": (by_sample[0].mean(), mean_form(by_sample[0])), "label_budget": (slope.mean(), mean_form(slope))}


class Scaling:
    def __init__(self, x):
        self.mean, deviation = x.mean(axis=0), x.std(axis=0)
        self.kept = deviation > 0
        self.deviation = np.where(self.kept, deviation, 1)

    def __call__(self, x):
        scaled = (x - self.mean) / self.deviation
        return scaled if self.kept.all() else scaled[:, self.kept]


def fitted_probe(train):
    """Regressions go from the strongest penalty to the weakest, each on from the one before."""
    x, labels = train.x.astype(np.float64), np.repeat(train.labels, train.views)
    fold = np.repeat(validation_folds(train, FOLDS), train.views)
    right = np.zeros(len(STRENGTHS))
    for held in range(FOLDS):
        scaling = Scaling(x[fold != held])
        fit, validation, model = scaling(x[fold != held]), scaling(x[fold == held]), None
        for at, strength in enumerate(STRENGTHS):
            model = regression(fit, labels[fold != held], strength, 1e-4, model)
            right[at] += (model.predict(validation) == labels[fold == held]).sum()
    chosen = np.flatnonzero(right >= right.max() - 0.01 * len(x))[0]
    scaling = Scaling(x)
    return scaling, regression(scaling(x), labels, STRENGTHS[chosen], 1e-5)


def linear_probe(part):
    train = part.train
    if not hasattr(train, "probe"):
        train.probe = fitted_probe(train)
    scaling, model = train.probe
    own = (model.predict(scaling(part.x.astype(np.float64))) == np.repeat(part.labels, part.views)).reshape(part.samples, -1).mean(axis=1)
    return {"linear_probe_accuracy": (own.mean(), mean_form(own))}
