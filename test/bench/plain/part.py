"""What the measures of the plain twin share: one part of a layer, and whatever of it is computed once and kept."""

from functools import cached_property

import numpy as np
import scipy.linalg
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize


class Part:
    """Rows are views of samples, those of a sample side by side; every sample has as many."""

    def __init__(self, number, x, ids, labels, views):
        self.number, self.x32, self.ids, self.labels, self.views = number, x, ids, labels, views
        self.rows, self.width = x.shape
        self.samples = len(ids)
        self.previous = self.deepest = self.train = None
        self.partitions = {}

    def by_sample(self, values):
        """[rows] to [samples, views]"""
        return values.reshape(self.samples, self.views, *values.shape[1:])

    @cached_property
    def x(self):
        return self.x32.astype(np.float64)

    @cached_property
    def unit(self):
        """Rows of length 1."""
        return normalize(self.x)

    @cached_property
    def unit32(self):
        return normalize(self.x32)

    @cached_property
    def unit_gram(self):
        return self.unit.T @ self.unit

    @cached_property
    def gram(self):
        return self.x.T @ self.x

    @cached_property
    def singular_values(self):
        """Of all rows, descending: with more rows than columns several times as quick as np.linalg.svd(compute_uv=False)."""
        return np.sqrt(np.maximum(scipy.linalg.eigvalsh(self.gram)[::-1], 0))

    @cached_property
    def covariance(self):
        return np.cov(self.x, rowvar=False)

    @cached_property
    def covariance_spectrum(self):
        """Eigenvalues, descending."""
        return np.maximum(scipy.linalg.eigvalsh(self.covariance)[::-1], 0)

    @cached_property
    def centred32(self):
        return (self.x32 - self.x32.mean(axis=0, dtype=np.float64)).astype(np.float32)

    @cached_property
    def self_product(self):
        """||X'X||_F of the centred rows; the covariance is there when spectra have been taken."""
        if "covariance" in self.__dict__:
            return (self.rows - 1) * np.linalg.norm(self.covariance)
        return float(np.linalg.norm(self.centred32.T @ self.centred32))

    @cached_property
    def cosine_distances(self):
        """To all training rows."""
        return cosine_distances(self.unit32, self.train.unit32)

    @cached_property
    def distances(self):
        return pairwise_distances(self.x)

    @cached_property
    def view_distances(self):
        """[views] distances between the samples in one view."""
        return [pairwise_distances(self.x[view :: self.views]) for view in range(self.views)]

    @cached_property
    def neighbour_logs(self):
        """[views, samples] log of the ratio of the distances to the second and the first neighbour in the same view."""
        searches = [NearestNeighbors(n_neighbors=2, metric="precomputed").fit(distances) for distances in self.view_distances]
        nearest = np.array([search.kneighbors()[0] for search in searches])
        return np.log(nearest[:, :, 1] / nearest[:, :, 0])

    @cached_property
    def scores(self):
        """In the 16 leading principal components."""
        return PCA(n_components=16, random_state=0).fit_transform(self.x)
