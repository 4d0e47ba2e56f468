"""Heads that learn labels: random ones (how much a layer lets memorize) and those of the probe."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from twin_common import SEED, label_places, mean_form, random_labels, regression, validation_folds

CLASSES, L2 = 10, 1e-4
NEIGHBOURS, TEMPERATURE, SHARES = 20, 0.07, (1 / 8, 1 / 4, 1 / 2)
FOLDS, STRENGTHS = 4, (1, 0.1, 0.01, 0.001, 0.0001)
controls = {}


def random_label(part):
    views, d = part.by_sample(part.x), part.width
    fit, other = views[:, 0::2].reshape(-1, d), views[:, 1::2].reshape(-1, d)
    scaler = StandardScaler().fit(fit)
    # The solver that 'auto' takes here is no quicker, and only near for the last components.
    components = PCA(n_components=min(64, part.samples // 8), svd_solver="arpack", random_state=0)
    fit = components.fit_transform(scaler.transform(fit))
    other = components.transform(scaler.transform(other))
    labels = random_labels(part, CLASSES)
    right = {"fit": [], "transfer": []}
    for own in labels:
        of_fit, of_other = np.repeat(own, (part.views + 1) // 2), np.repeat(own, part.views // 2)
        model = regression(fit, of_fit, L2, 1e-5)
        right["fit"].append(model.predict(fit) == of_fit)
        right["transfer"].append(model.predict(other) == of_other)
    # Random rows know nothing of the layer: one control does for all that have as many components.
    key = (fit.shape, part.ids.tobytes())
    if key not in controls:
        noise = np.random.default_rng(SEED).standard_normal(fit.shape)
        targets = [np.repeat(own, (part.views + 1) // 2) for own in labels]
        controls[key] = [regression(noise, one, L2, 1e-5).predict(noise) == one for one in targets]
    right["control"] = controls[key]
    found = {}
    for name, heads in right.items():
        own = np.mean(heads, axis=0).reshape(part.samples, -1).mean(axis=1)
        scale = 1 / (1 - 1 / CLASSES)
        found[f"random_label_{name}"] = ((own.mean() - 1 / CLASSES) * scale, (-scale / CLASSES, scale, own, np.ones(part.samples)))
    return found


def predictions(labels, among, distances):
    """Class of each row by the votes of the nearest labelled training rows: their labels, their distances from each other, and those from each row."""
    nearest, places = NearestNeighbors(n_neighbors=NEIGHBOURS, metric="precomputed").fit(among).kneighbors(distances)
    weights = np.exp((1 - nearest) / TEMPERATURE)
    voted = labels[places]
    return np.stack([(weights * (voted == one)).sum(axis=1) for one in range(CLASSES)], axis=1).argmax(axis=1)


def knn(part):
    bank = part.train
    sizes = [int(np.floor(share * bank.samples + 0.5)) for share in SHARES]
    own_labels, bank_labels = np.repeat(part.labels, part.views), np.repeat(bank.labels, bank.views)
    distances = part.cosine_distances
    if part is bank:
        # Beyond any other, as a row is no neighbour of its own sample: its vote is nothing.
        own, views = np.arange(part.samples), part.views
        distances = distances.copy()
        distances.reshape(part.samples, views, part.samples, views)[own, :, own] = 10

    def accuracies(labelled):
        rows = np.repeat(labelled, bank.views)
        predicted = predictions(bank_labels[rows], bank.cosine_distances[np.ix_(rows, rows)], distances[:, rows])
        return part.by_sample(predicted == own_labels).mean(axis=1)

    full = accuracies(np.ones(bank.samples, dtype=bool))
    doublings = np.log2([*sizes, bank.samples])
    weights = (doublings - doublings.mean()) / ((doublings - doublings.mean()) ** 2).sum()
    slope = np.mean([weights @ [*(accuracies(place < size) for size in sizes), full] for place in label_places(bank)], axis=0)
    return {"knn_accuracy": (full.mean(), mean_form(full)), "label_budget": (slope.mean(), mean_form(slope))}


def fitted_probe(train):
    """Regressions go from the strongest penalty to the weakest, each on from the one before, as those of LogisticRegressionCV do."""
    x, labels = train.x, np.repeat(train.labels, train.views)
    fold = np.repeat(validation_folds(train, FOLDS), train.views)
    right = np.zeros(len(STRENGTHS))
    for held in range(FOLDS):
        scaler, model = StandardScaler().fit(x[fold != held]), None
        fit, validation = scaler.transform(x[fold != held]), scaler.transform(x[fold == held])
        for at, strength in enumerate(STRENGTHS):
            model = regression(fit, labels[fold != held], strength, 1e-4, model)
            right[at] += (model.predict(validation) == labels[fold == held]).sum()
    chosen = np.flatnonzero(right >= right.max() - 0.01 * len(x))[0]
    scaler = StandardScaler().fit(x)
    return scaler, regression(scaler.transform(x), labels, STRENGTHS[chosen], 1e-5)


def linear_probe(part):
    train = part.train
    if not hasattr(train, "probe"):
        train.probe = fitted_probe(train)
    scaler, model = train.probe
    own = part.by_sample(model.predict(scaler.transform(part.x)) == np.repeat(part.labels, part.views)).mean(axis=1)
    return {"linear_probe_accuracy": (own.mean(), mean_form(own))}
