"""What distances between samples say, and how a layer compares with others."""

import math

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.special import digamma, gammaln
from sklearn.neighbors import NearestNeighbors

from plain.clusters import k_means
from twin_common import SEED, mean_form, shuffles

SIZES, COMPONENTS, NEIGHBOUR = 8, 8, 3


def uniformity(part):
    """exp(-2 |x - y|^2) = exp(4 (x'y - 1)): ten times as quick as scipy.spatial.distance.pdist."""
    views, n = part.views, part.rows
    kernel = np.exp(4 * (part.unit32 @ part.unit32.T) - 4)
    np.fill_diagonal(kernel, 0)
    of_samples = part.by_sample(kernel.sum(axis=1, dtype=np.float64)).sum(axis=1)
    inside = np.einsum("svsw->s", part.by_sample(kernel).reshape(part.samples, views, part.samples, views), dtype=np.float64) / 2
    total, pairs = of_samples.sum() / 2, n * (n - 1) / 2
    value = np.log(total / pairs)
    own_pairs = views * (n - views) + views * (views - 1) / 2
    influence = (of_samples - inside) / total - own_pairs / pairs
    return {"uniformity": (value, mean_form(value + len(influence) * (influence - influence.mean())))}


def twonn(part):
    logs = part.neighbour_logs
    counts = np.full(part.samples, float(part.views))
    return {"twonn_dim": (logs.size / logs.sum(), (0, 1, counts, logs.sum(axis=0)))}


def mst(part):
    n = part.samples
    x, y = [], []
    for view, distances in enumerate(part.view_distances):
        for order in shuffles(n, part.number, view):
            for size in range(1, SIZES):
                count = size * n // SIZES
                subsets = order[: n // count * count].reshape(-1, count)
                lengths = [minimum_spanning_tree(np.triu(distances[np.ix_(own, own)])).sum() for own in subsets]
                x.append(math.log(count))
                y.append(np.log(lengths).mean())
    slope, _ = np.polyfit(x, y, 1)
    return {"mst_dim": (1 / (1 - slope), None)}


def embedding_entropy(part):
    m = COMPONENTS
    views = [part.scores[view :: part.views, :m] for view in range(part.views)]
    third = np.array([NearestNeighbors(n_neighbors=NEIGHBOUR).fit(view).kneighbors()[0][:, -1] for view in views])
    logs = np.log(third)
    offset = digamma(part.samples) - digamma(NEIGHBOUR) + m / 2 * np.log(np.pi) - gammaln(m / 2 + 1)
    return {"embedding_entropy": (offset + m * logs.mean(), (offset, m, logs.sum(axis=0), np.full(part.samples, float(part.views))))}


def clid(part):
    right = np.zeros(part.samples)
    for view in range(part.views):
        z = part.unit32[view :: part.views]
        nearest = NearestNeighbors(n_neighbors=1, metric="cosine").fit(z).kneighbors(return_distance=False)[:, 0]
        labels = k_means(z, math.isqrt(part.samples), SEED).labels_
        right += labels[nearest] == labels
    logs = part.neighbour_logs
    learnability, dimension = right.sum() / logs.size, logs.size / logs.sum()
    value = learnability + dimension / part.width
    of_logs = logs.sum(axis=0)
    influence = (right - learnability * part.views) / part.views + dimension / part.width * (1 - of_logs / of_logs.mean())
    return {"clid": (value, mean_form(value + influence))}


def unit_mem(part):
    means = part.by_sample(np.maximum(part.x32, 0)).mean(axis=1, dtype=np.float64)
    most = means.max(axis=0)
    rest = (means.sum(axis=0) - most) / (part.samples - 1)
    alive = most > 0
    return {"unit_mem": (((most - rest)[alive] / (most + rest)[alive]).mean(), None)}


def cka(x, y):
    """||X'Y||^2 / (||X'X|| ||Y'Y||), its parts debiased (Song et al. 2012) where there are few rows for the width."""
    parts = [float(np.linalg.norm(x.centred32.T @ y.centred32)) ** 2, x.self_product**2, y.self_product**2]
    n = x.rows
    if n < 4 * max(x.width, y.width):
        of_x, of_y = ((one.centred32**2).sum(axis=1, dtype=np.float64) for one in (x, y))
        pairs = [(of_x, of_y), (of_x, of_x), (of_y, of_y)]
        parts = [value - n / (n - 2) * (a @ b) + a.sum() * b.sum() / ((n - 1) * (n - 2)) for value, (a, b) in zip(parts, pairs)]
    return parts[0] / math.sqrt(parts[1] * parts[2])


def cka_prev(part):
    return {"cka_prev": (cka(part, part.previous), None)}


def cka_last(part):
    return {"cka_last": (1.0 if part.deepest is None else cka(part, part.deepest), None)}
