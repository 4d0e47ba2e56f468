"""k-means, and what its partitions say."""

from itertools import combinations

import numpy as np
from scipy.stats import entropy
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, silhouette_samples

from twin_common import mean_form

CLUSTERS, RESTARTS, ITERATIONS, SEEDS = 10, 5, 300, range(5)


def k_means(x, k, seed):
    """Greedy k-means++, Lloyd's iterations until no label changes, the best of five starts."""
    return KMeans(k, n_init=RESTARTS, max_iter=ITERATIONS, tol=0, algorithm="lloyd", random_state=seed).fit(x)


def partition(part, seed=SEEDS[0]):
    if seed not in part.partitions:
        part.partitions[seed] = k_means(part.x32, CLUSTERS, seed)
    return part.partitions[seed]


def silhouette(part):
    model = partition(part)
    values = silhouette_samples(part.distances, model.labels_, metric="precomputed")
    return {"silhouette": (values.mean(), mean_form(part.by_sample(values).mean(axis=1))), "inertia": (model.inertia_, None)}


def cluster_balance(part):
    labels = partition(part).labels_
    shares = np.bincount(labels, minlength=CLUSTERS) / part.rows
    surprise = -np.log(np.maximum(shares, 1e-300)) / np.log(CLUSTERS)
    return {"cluster_balance": (entropy(shares, base=CLUSTERS), mean_form(part.by_sample(surprise[labels]).mean(axis=1)))}


def cluster_ami_seeds(part):
    labels = [partition(part, seed).labels_ for seed in SEEDS]
    return {"cluster_ami_seeds": (np.mean([adjusted_mutual_info_score(a, b) for a, b in combinations(labels, 2)]), None)}


def cluster_ami_pca(part):
    reduced = k_means(part.scores, CLUSTERS, SEEDS[0]).labels_
    return {"cluster_ami_pca": (adjusted_mutual_info_score(partition(part).labels_, reduced), None)}


def cluster_ami_prev(part):
    return {"cluster_ami_prev": (adjusted_mutual_info_score(partition(part).labels_, partition(part.previous).labels_), None)}
