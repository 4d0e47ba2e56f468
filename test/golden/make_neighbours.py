"""Writes the reference values of the measures of neighbours: python3 test/golden/make_neighbours.py

Needs NumPy, SciPy and scikit-learn (written with NumPy 1.24.2, SciPy 1.10.1, scikit-learn 1.2.1 of Debian 12). Each value is computed the most direct way: all pairs by pdist,
neighbours by sorting whole rows of distances, trees by SciPy's minimum_spanning_tree, components by SVD. Random numbers are those of src/metrics/random.ts.
"""

import json
import math
import pathlib

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform
from scipy.special import gammaln, psi
from sklearn.cluster import KMeans

from make_golden import DATA, normalized, read_safetensors, xoshiro128starstar

HERE = pathlib.Path(__file__).resolve().parent
SEED = 0
SHUFFLE_PURPOSE, SIZES, SHUFFLES = 31, 8, 5
LAYERS = {"digits_memorizing": ["block0", "block5", "projector"], "digits_healthy": ["block0", "block5", "projector"]}


def view_sets(x, ids):
    """Places of view v of every sample, samples by ascending id; the second of two equal rows is left out."""
    places = [np.flatnonzero(ids == one) for one in np.unique(ids)]
    for view in range(min(len(own) for own in places)):
        rows = np.array([own[view] for own in places])
        _, first = np.unique(x[rows], axis=0, return_index=True)
        yield rows[np.sort(first)]


def uniformity(z, ids):
    kernel = np.exp(-2 * pdist(z, "sqeuclidean"))
    same = pdist(ids[:, None].astype(np.float64)) == 0
    return {"value": np.log(kernel.mean()), "between_samples": np.log(kernel[~same].mean())}


def logs_of_ratios(x):
    distances = np.sort(squareform(pdist(x)), axis=1)
    return np.log(distances[:, 2] / distances[:, 1])


def twonn(x, sets):
    if min(len(rows) for rows in sets) < 3:
        return None
    logs = [logs_of_ratios(x[rows]) for rows in sets]
    slopes = []
    for own in logs:
        n = len(own)
        kept = np.sort(own)[: math.floor(n * 0.9)]
        f = np.arange(1, n + 1)[: len(kept)] / n
        slopes.append(np.linalg.lstsq(kept[:, None], -np.log(1 - f), rcond=None)[0][0])
    return {"value": sum(len(own) for own in logs) / sum(own.sum() for own in logs), "line_fit": np.mean(slopes)}


def shuffled(n, numbers):
    order = np.arange(n)
    for place in range(n - 1):
        other = place + math.floor(next(numbers) / 2**32 * (n - place))
        order[place], order[other] = order[other], order[place]
    return order


def mst(x, sets, part):
    if min(len(rows) for rows in sets) < 32:
        return None
    points = []
    for view, rows in enumerate(sets):
        distances = squareform(pdist(x[rows]))
        numbers = xoshiro128starstar(SHUFFLE_PURPOSE, SEED, part, view)
        for _ in range(SHUFFLES):
            order = shuffled(len(rows), numbers)
            for size in range(1, SIZES):
                count = size * len(rows) // SIZES
                subsets = order[: len(rows) // count * count].reshape(-1, count)
                lengths = [minimum_spanning_tree(distances[np.ix_(own, own)]).sum() for own in subsets]
                points.append((math.log(count), np.log(lengths).mean()))
    x, y = np.array(points).T
    slope, _ = np.polyfit(x, y, 1)
    if slope >= 1:
        return None
    return {"value": 1 / (1 - slope), "slope": slope, "r2": np.corrcoef(x, y)[0, 1] ** 2}


def entropy(x, sets):
    fewest = min(len(rows) for rows in sets)
    m = min(8, (x != 0).any(axis=0).sum(), len(x) - 1)
    if fewest < 4:
        return None
    centred = x - x.mean(axis=0)
    _, s, v = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ v[:m].T
    log_volume = m / 2 * np.log(np.pi) - gammaln(m / 2 + 1)
    values = []
    for rows in sets:
        n = len(rows)
        third = np.sort(squareform(pdist(scores[rows])), axis=1)[:, 3]
        values.append(psi(n) - psi(3) + log_volume + m / n * np.log(third).sum())
    # As the mean over rows, which sets that have lost copies to do not weigh equally in.
    sizes = np.array([len(rows) for rows in sets])
    logs = np.array([value - (psi(n) - psi(3)) for value, n in zip(values, sizes)])
    value = (logs * sizes).sum() / sizes.sum() + np.mean([psi(n) - psi(3) for n in sizes])
    return {"value": value, "m": int(m), "explained_variance": (s[:m] ** 2).sum() / (s**2).sum()}


def nearest_by_cosine(z):
    cosines = z @ z.T
    np.fill_diagonal(cosines, -np.inf)
    return cosines.argmax(axis=1)


def learnability(z, sets):
    """With scikit-learn's k-means; the labels of view 0 are kept, so that the step after them can be compared exactly."""
    if min(len(rows) for rows in sets) < 16:
        return None
    clusters = math.isqrt(len(sets[0]))
    labels = [KMeans(clusters, n_init=5, random_state=0).fit_predict(z[rows]) for rows in sets]
    right = [own[nearest_by_cosine(z[rows])] == own for own, rows in zip(labels, sets)]
    return {"value": np.concatenate(right).mean(), "labels": labels[0].tolist(), "of_labels": right[0].mean()}


def expected(x, ids, split):
    parts = {}
    for part, number in (("train", 0), ("held_out", 1)):
        rows, own = x[split == number].astype(np.float64), ids[split == number]
        z, sets = normalized(rows), list(view_sets(rows, own))
        parts[part] = {
            "uniformity": uniformity(z, own),
            "twonn_dim": twonn(rows, sets),
            "mst_dim": mst(rows, sets, number),
            "embedding_entropy": entropy(rows, sets),
            "learnability": learnability(z, sets),
        }
    return parts


def main():
    values = {}
    for name in ("gaussian", "clustered", "collapsed", "one_direction", "fewer_rows_than_dimensions", "digits_memorizing", "digits_healthy"):
        tensors = read_safetensors(DATA / f"{name}.safetensors")
        for layer in LAYERS.get(name, ["features"]):
            values[f"data/{name}.safetensors {layer}"] = expected(tensors[layer], tensors["sample_id"], tensors["split"])
    (HERE / "neighbours.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
