"""Writes the reference values of the measures of clusters: python3 test/golden/make_clusters.py

Needs NumPy and scikit-learn (written with NumPy 1.24.2, scikit-learn 1.2.1 of Debian 12). Two things are held against scikit-learn:

- What a measure says of given partitions (those of scikit-learn's own KMeans): silhouettes, agreement, entropy of sizes.
- The k-means of src/metrics/clusters. Its partitions come from a second implementation here, the shortest there is: every distance anew in every iteration, no bounds,
  no engine. Labels must be the same to the last one. scikit-learn then says what the measures are of these, and how good its own partitions are.
"""

import json
import pathlib

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score

from make_golden import DATA, logdet, normalized, read_safetensors, xoshiro128starstar

HERE = pathlib.Path(__file__).resolve().parent
PURPOSE, SEEDS, RESTARTS, ITERATIONS, COMPONENTS = 4, 5, 5, 300, 16
FILES = ["clustered", "collapsed", "digits_healthy", "digits_memorizing", "fewer_rows_than_dimensions", "gaussian", "one_direction"]
CANDIDATES = [2, 3, 5, 8, 10, 15, 20, 30]


def squared(points, center):
    return ((points - center) ** 2).sum(axis=1)


class Numbers:
    def __init__(self, *parts):
        self.numbers = xoshiro128starstar(*parts)

    def below(self, bound):
        return int(next(self.numbers) / 2**32 * bound)

    def uniform(self):
        return next(self.numbers) / 2**32


def centred(x):
    """About the mean, scaled by a power of two to at most 1, and on the grid."""
    mean = np.where((x == x[0]).all(axis=0), x[0], x.sum(axis=0) / len(x))
    x = x - mean
    largest = np.abs(x).max()
    if largest > 0:
        x = x * 2.0 ** (-int(np.floor(np.log2(largest))) - 1)
    grid = 2.0 ** (50 - int(np.ceil(np.log2(len(x)))))
    return np.round(x * grid) / grid


def reduced(x):
    """Whole-numbered coordinates along an orthonormal basis of 16 random sums of rows."""
    if x.shape[1] <= 16:
        return x
    norms = np.linalg.norm(x, axis=1)
    median = np.sort(norms)[len(norms) // 2]
    unit = min(norms.max(), 8 * median) if median > 0 else norms.max()
    half_up = lambda values: np.floor(values + 0.5)
    whole = half_up(x * (2**22 / np.maximum(unit, norms))[:, None])
    numbers = xoshiro128starstar(PURPOSE)
    sums = np.zeros((16, x.shape[1]))
    for start in range(0, len(x), 512):
        block = whole[start : start + 512]
        signs = np.array([[1 if next(numbers) % 2 == 0 else -1 for _ in range(len(block))] for _ in range(16)])
        sums += signs @ block
    basis = []
    for row in sums:
        length = np.linalg.norm(row)
        for _ in range(2):
            for other in basis:
                row = row - (row @ other) * other
        left = np.linalg.norm(row)
        if left > 1e-9 * length:
            basis.append(row / left)
    return whole @ half_up(np.array(basis) * 2**12).T


def starting_centroids(x, points, k, seed, restart):
    numbers = Numbers(PURPOSE, seed, restart)
    chosen = np.arange(len(x))
    count = max(512, 16 * k)
    if count < len(x):
        for i in range(count):
            other = i + numbers.below(len(x) - i)
            chosen[i], chosen[other] = chosen[other], chosen[i]
        chosen = np.sort(chosen[:count])
    points = points[chosen]
    seeds = [numbers.below(len(points))]
    nearest = squared(points, points[seeds[0]])
    while len(seeds) < k:
        place, kept = numbers.below(len(points)), nearest
        if nearest.sum() > 0:
            options = []
            for _ in range(2 + int(np.log(k))):
                target = numbers.uniform() * np.cumsum(nearest)[-1]
                drawn = int(np.searchsorted(np.cumsum(nearest), target, side="right"))
                options.append((drawn, np.minimum(nearest, squared(points, points[drawn]))))
            place, kept = min(options, key=lambda option: option[1].sum())
        seeds.append(place)
        nearest = kept
    centers = points[seeds]
    for _ in range(8):
        labels = np.stack([squared(points, center) for center in centers], axis=1).argmin(axis=1)
        before = centers
        centers = np.array([points[labels == j].mean(axis=0) if (labels == j).any() else before[j] for j in range(k)])
        if all(((a - b) ** 2).sum() <= 1e-6 for a, b in zip(centers, before)):
            break
    return np.array([x[chosen][labels == j].mean(axis=0) if (labels == j).any() else x[chosen[seeds[j]]] for j in range(k)])


def lloyd(x, centers):
    labels = np.full(len(x), -1)
    for iteration in range(ITERATIONS):
        distances = np.stack([squared(x, center) for center in centers], axis=1)
        found = distances.argmin(axis=1)
        if (found == labels).all():
            break
        sizes = np.bincount(found, minlength=len(centers))
        if (sizes == 0).any():
            own = distances[np.arange(len(x)), found]
            for row in sorted(np.flatnonzero(own > 0), key=lambda row: (-own[row], row)):
                empty = np.flatnonzero(sizes == 0)
                if len(empty) == 0:
                    break
                if sizes[found[row]] >= 2:
                    sizes[found[row]] -= 1
                    sizes[empty[0]] = 1
                    found[row] = empty[0]
        labels = found
        centers = np.array([x[labels == j].mean(axis=0) if sizes[j] > 0 else np.full(x.shape[1], np.inf) for j in range(len(centers))])
    return labels


def explained(x, labels):
    return sum((labels == j).sum() * (x[labels == j].mean(axis=0) ** 2).sum() for j in np.unique(labels))


def partition(x, k, seed):
    x = centred(x)
    points = reduced(x)
    kept = None
    for restart in range(RESTARTS):
        labels = lloyd(x, starting_centroids(x, points, k, seed, restart))
        # Partitions that differ only in the numbers of their clusters are equally good but for rounding: then the first one is kept.
        if kept is None or explained(x, labels) > (1 + 1e-12) * explained(x, kept):
            kept = labels
    return kept


def balance(labels, k):
    shares = np.bincount(labels, minlength=k) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(k))


def inertia_of(x, labels):
    return float(sum(squared(x[labels == j], x[labels == j].mean(axis=0)).sum() for j in np.unique(labels)))


def digits(labels):
    """One character a row."""
    return "".join(chr(ord("0") + label) for label in labels)


def coding_rates(x, classes, eps2=0.5):
    z = normalized(x)
    n, d = z.shape
    rate = lambda rows: 0.5 * logdet(np.eye(d) + d / (len(rows) * eps2) * rows.T @ rows)
    within = sum((classes == one).sum() / n * rate(z[classes == one]) for one in np.unique(classes))
    return {"coding_rate": rate(z), "coding_rate_within": within, "coding_rate_reduction": rate(z) - within}


def expected(x, ids):
    k = 10
    own = [partition(x, k, seed) for seed in range(SEEDS)]
    pairs = [adjusted_mutual_info_score(a, b) for i, a in enumerate(own) for b in own[i + 1 :]]
    values = {
        "labels": [digits(labels) for labels in own],
        "inertia": inertia_of(x, own[0]),
        "silhouette": float(silhouette_score(x, own[0])),
        "cluster_balance": balance(own[0], k),
        "cluster_ami_seeds": float(np.mean(pairs)),
    }
    # The test gives every seventh sample no label and the others one of three.
    place = np.searchsorted(np.unique(ids), ids)
    labelled = place % 7 != 0
    values["rates"] = {"clusters": coding_rates(x, own[0]), "labels": coding_rates(x[labelled], place[labelled] % 3)}
    best = {j: silhouette_score(x, partition(x, j, 0)) for j in CANDIDATES if j < len(x)}
    values["best"] = {"k": max(best, key=lambda j: (best[j] > max(best.values()) - 1e-6, -j)), "silhouette": float(max(best.values()))}
    if min(x.shape[1], len(x) - 1) > COMPONENTS:
        u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        scores = u[:, :COMPONENTS] * s[:COMPONENTS]
        values["cluster_ami_pca"] = float(adjusted_mutual_info_score(own[0], partition(scores, k, 0)))
        values["explained_variance"] = float((s[:COMPONENTS] ** 2).sum() / (s**2).sum())
    theirs = [KMeans(k, n_init=RESTARTS, random_state=seed).fit(x) for seed in range(SEEDS)]
    labels = [one.labels_ for one in theirs]
    values["sklearn"] = {
        "labels": [digits(one) for one in labels],
        "inertia": [float(one.inertia_) for one in theirs],
        "silhouette": [float(silhouette_score(x, one)) for one in labels],
        "cluster_balance": [balance(one, k) for one in labels],
        "ami": [float(adjusted_mutual_info_score(a, b)) for i, a in enumerate(labels) for b in labels[i + 1 :]],
    }
    return values


def random_partitions():
    """Pairs of partitions of all kinds: unrelated, nested, equal, of one cluster, of single items."""
    random = np.random.default_rng(7)
    pairs = []
    for n, r, c in [(5, 2, 3), (40, 3, 3), (300, 10, 10), (300, 2, 30), (2000, 30, 45), (6, 6, 6), (50, 1, 4), (50, 50, 7), (9, 1, 1)]:
        a = random.integers(0, r, n) if r < n else np.arange(n)
        b = random.integers(0, c, n) if c < n else np.arange(n)
        mixed = np.where(random.random(n) < 0.7, a, b)
        for one, other in ((a, b), (a, mixed), (a, a)):
            pairs.append({"a": digits(one), "b": digits(other), "ami": float(adjusted_mutual_info_score(one, other))})
    return pairs


def main():
    values = {"pairs": random_partitions()}
    for file in FILES:
        tensors = read_safetensors(DATA / f"{file}.safetensors")
        for layer in sorted(name for name, values_of in tensors.items() if values_of.ndim == 2):
            order = np.argsort(tensors["sample_id"], kind="stable")
            x, split, ids = tensors[layer].astype(np.float64)[order], tensors["split"][order], tensors["sample_id"][order]
            values[f"data/{file}.safetensors {layer}"] = {
                part: expected(x[split == number], ids[split == number]) for number, part in enumerate(("train", "held_out")) if (split == number).any()
            }
    (HERE / "clusters.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
