"""k-means, and what its partitions say."""

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from twin_common import mean_form
from twin_part import squared_distances

CLUSTERS, RESTARTS, ITERATIONS, SEEDS = 10, 5, 300, range(5)


def k_means(centred, squared, k, seeds):
    """Labels and inertia for each seed: greedy k-means++, Lloyd's iterations until no label changes, the best of five starts.

    All starts go side by side through two products an iteration, the second one with the rows that moved; that is several times as fast as
    scikit-learn's KMeans. `squared` gives the squared distances of all rows.
    """
    distances = squared()
    starts = np.stack([plus_plus(distances, k, np.random.default_rng((seed, restart))) for seed in seeds for restart in range(RESTARTS)])
    labels, inertia = lloyd(centred, starts, k)
    best = [own.argmin() + at * RESTARTS for at, own in enumerate(inertia.reshape(-1, RESTARTS))]
    return [(labels[one], inertia[one]) for one in best]


def plus_plus(squared, k, random):
    draws = 2 + int(np.log(k))
    chosen = np.empty(k, dtype=int)
    chosen[0] = random.integers(len(squared))
    nearest = squared[chosen[0]]
    for place in range(1, k):
        sums = np.cumsum(nearest, dtype=np.float64)
        drawn = np.minimum(np.searchsorted(sums, random.random(draws) * sums[-1]), len(squared) - 1)
        left = np.minimum(squared[drawn], nearest)
        best = left.sum(axis=1).argmin()
        chosen[place], nearest = drawn[best], left[best]
    return chosen


def lloyd(x, starts, k):
    """The workloads leave no cluster empty."""
    sums = x[starts].astype(np.float64)
    counts = np.ones(starts.shape)
    labels = np.full((len(starts), len(x)), -1)
    active = np.arange(len(starts))
    every = np.arange(k)[:, None]
    for iteration in range(ITERATIONS):
        centres = (sums[active] / np.maximum(counts[active], 1)[:, :, None]).astype(np.float32).reshape(-1, x.shape[1])
        distances = centres @ x.T
        distances *= -2
        distances += np.einsum("ij,ij->i", centres, centres)[:, None]
        new, old = distances.reshape(len(active), k, -1).argmin(axis=1), labels[active]
        changed = new != old
        going = changed.any(axis=1)
        labels[active] = new
        active, new, old = active[going], new[going], old[going]
        if len(active) == 0:
            break
        moved = np.flatnonzero(changed.any(axis=0))
        change = (new[:, None, moved] == every).astype(np.float32)
        if iteration == 0:
            sums[active], counts[active] = 0, 0
        else:
            change -= old[:, None, moved] == every
        sums[active] += (change.reshape(-1, len(moved)) @ x[moved]).reshape(len(active), k, -1)
        counts[active] += change.sum(axis=2)
    total = np.einsum("ij,ij->", x, x, dtype=np.float64)
    return labels, total - (np.einsum("skd,skd->sk", sums, sums) / np.maximum(counts, 1)).sum(axis=1)


def partitions(part, seeds):
    known = part.__dict__.setdefault("partitions", {})
    missing = [seed for seed in seeds if seed not in known]
    if missing:
        known.update(zip(missing, k_means(part.centred32, lambda: part.squared, CLUSTERS, missing)))
    return [known[seed] for seed in seeds]


def silhouette(part):
    ((labels, inertia),) = partitions(part, SEEDS[:1])
    members = (labels[:, None] == np.arange(CLUSTERS)).astype(np.float32)
    sums = np.empty((part.rows, CLUSTERS))
    for first in range(0, part.rows, 256):
        sums[first : first + 256] = np.sqrt(part.squared[first : first + 256]) @ members
    sizes = members.sum(axis=0)
    every = np.arange(part.rows)
    inside = sums[every, labels] / np.maximum(sizes[labels] - 1, 1)
    sums /= sizes
    sums[every, labels] = np.inf
    outside = sums.min(axis=1)
    values = np.where(sizes[labels] > 1, (outside - inside) / np.maximum(inside, outside), 0)
    return {"silhouette": (values.mean(), mean_form(values.reshape(part.samples, -1).mean(axis=1))), "inertia": (inertia, None)}


def cluster_balance(part):
    ((labels, _),) = partitions(part, SEEDS[:1])
    shares = np.bincount(labels, minlength=CLUSTERS) / part.rows
    surprise = -np.log(np.maximum(shares, 1e-300)) / np.log(CLUSTERS)
    return {"cluster_balance": (shares @ surprise, mean_form(surprise[labels].reshape(part.samples, -1).mean(axis=1)))}


def cluster_ami_seeds(part):
    labels = [own for own, _ in partitions(part, SEEDS)]
    pairs = [adjusted_mutual_info_score(a, b) for at, a in enumerate(labels) for b in labels[at + 1 :]]
    return {"cluster_ami_seeds": (np.mean(pairs), None)}


def cluster_ami_pca(part):
    ((labels, _),) = partitions(part, SEEDS[:1])
    scores = part.scores.astype(np.float32)
    ((reduced, _),) = k_means(scores, lambda: squared_distances(scores), CLUSTERS, SEEDS[:1])
    return {"cluster_ami_pca": (adjusted_mutual_info_score(labels, reduced), None)}


def cluster_ami_prev(part):
    ((labels, _),), ((before, _),) = partitions(part, SEEDS[:1]), partitions(part.previous, SEEDS[:1])
    return {"cluster_ami_prev": (adjusted_mutual_info_score(labels, before), None)}
