"""What distances between samples say, and how a layer compares with others."""

import math

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln

from twin_clusters import k_means
from twin_common import SEED, mean_form, shuffles
from twin_part import squared_distances

SIZES = 8


def uniformity(part):
    """exp(-2 |x - y|^2) = exp(4 (x'y - 1)), block by block right of the diagonal."""
    z, views, n = part.unit32, part.views, part.rows
    of_rows = np.zeros(n)
    block = 256
    for first in range(0, n, block):
        kernel = z[first : first + block] @ z[first:].T
        kernel -= 1
        kernel *= 4
        np.exp(kernel, out=kernel)
        own = len(kernel)
        of_rows[first : first + own] += kernel.sum(axis=1, dtype=np.float64)
        of_rows[first + own :] += kernel[:, own:].sum(axis=0, dtype=np.float64)
    of_rows -= 1
    pairs = n * (n - 1) / 2
    total = of_rows.sum() / 2
    same = part.unit.reshape(-1, views, part.width)
    inside = np.exp(4 * (same @ same.transpose(0, 2, 1) - 1)).sum(axis=(1, 2)) / 2 - views / 2
    value = np.log(total / pairs)
    own_pairs = views * (n - views) + views * (views - 1) / 2
    influence = (of_rows.reshape(-1, views).sum(axis=1) - inside) / total - own_pairs / pairs
    return {"uniformity": (value, mean_form(value + len(influence) * (influence - influence.mean())))}


def twonn(part):
    logs = part.neighbour_logs
    counts = np.full(part.samples, float(part.views))
    return {"twonn_dim": (logs.size / logs.sum(), (0, 1, counts, logs.sum(axis=0)))}


def tree_lengths(distances):
    """Prim's algorithm on many matrices at once: [trees, points, points] to [trees]."""
    trees, points, _ = distances.shape
    every = np.arange(trees)
    taken = np.zeros((trees, points), dtype=distances.dtype)
    taken[:, 0] = np.inf
    best = distances[:, 0].copy()
    total = np.zeros(trees)
    for _ in range(points - 1):
        np.maximum(best, taken, out=best)
        nearest = best.argmin(axis=1)
        total += best[every, nearest]
        taken[every, nearest] = np.inf
        np.minimum(best, distances[every, nearest], out=best)
    return total


def mst(part):
    n = part.samples
    orders = [shuffles(n, part.number, view) for view in range(part.views)]
    x, y = [], []
    for size in range(1, SIZES):
        count = size * n // SIZES
        subsets = n // count
        chosen = [own[:, : subsets * count].reshape(-1, count) for own in orders]
        matrices = [distances[own[:, :, None], own[:, None, :]] for distances, own in zip(part.view_distances, chosen)]
        logs = np.log(tree_lengths(np.concatenate(matrices))).reshape(-1, subsets).mean(axis=1)
        x.append(np.full(len(logs), math.log(count)))
        y.append(logs)
    slope, _ = np.polyfit(np.concatenate(x), np.concatenate(y), 1)
    return {"mst_dim": (1 / (1 - slope), None)}


def embedding_entropy(part):
    m = 8
    views = part.scores[:, :m].reshape(part.samples, part.views, m)
    third = np.stack([np.partition(cdist(one, one), 3, axis=1)[:, 3] for one in views.transpose(1, 0, 2)])
    logs = np.log(third)
    offset = digamma(part.samples) - digamma(3) + m / 2 * np.log(np.pi) - gammaln(m / 2 + 1)
    return {"embedding_entropy": (offset + m * logs.mean(), (offset, m, logs.sum(axis=0), np.full(part.samples, float(part.views))))}


def clid(part):
    k = math.isqrt(part.samples)
    right = np.zeros(part.samples)
    for view in range(part.views):
        z = part.unit32[view :: part.views]
        cosines = z @ z.T
        np.fill_diagonal(cosines, -np.inf)
        nearest = cosines.argmax(axis=1)
        centred = z - z.mean(axis=0)
        ((labels, _),) = k_means(centred, lambda: squared_distances(centred), k, [SEED])
        right += labels[nearest] == labels
    logs = part.neighbour_logs
    learnability, dimension = right.sum() / logs.size, logs.size / logs.sum()
    value = learnability + dimension / part.width
    of_logs = logs.sum(axis=0)
    influence = (right - learnability * part.views) / part.views + dimension / part.width * (1 - of_logs / of_logs.mean())
    return {"clid": (value, mean_form(value + influence))}


def unit_mem(part):
    means = np.maximum(part.x, 0).reshape(part.samples, part.views, -1).sum(axis=1).astype(np.float64) / part.views
    most = means.max(axis=0)
    rest = (means.sum(axis=0) - most) / (part.samples - 1)
    alive = most > 0
    return {"unit_mem": (((most - rest)[alive] / (most + rest)[alive]).mean(), None)}


def cka(x, y):
    """||X'Y||^2 / (||X'X|| ||Y'Y||), its parts debiased (Song et al. 2012) where there are few rows for the width."""
    product = (x.centred32.T @ y.centred32).astype(np.float64)
    parts = [np.vdot(product, product), x.self_product, y.self_product]
    n = x.rows
    if n < 4 * max(x.width, y.width):
        of_x, of_y = (np.einsum("ij,ij->i", one.centred32, one.centred32).astype(np.float64) for one in (x, y))
        pairs = [(of_x, of_y), (of_x, of_x), (of_y, of_y)]
        parts = [value - n / (n - 2) * (a @ b) + a.sum() * b.sum() / ((n - 1) * (n - 2)) for value, (a, b) in zip(parts, pairs)]
    return parts[0] / math.sqrt(parts[1] * parts[2])


def cka_prev(part):
    return {"cka_prev": (cka(part, part.previous), None)}


def cka_last(part):
    return {"cka_last": (1.0 if part.deepest is None else cka(part, part.deepest), None)}
