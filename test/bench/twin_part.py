"""What the measures of the tuned twin share: one part of a layer, and whatever of it is computed once and kept."""

from functools import cached_property

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack


class Part:
    """Rows are views of samples, those of a sample side by side; every sample has as many."""

    def __init__(self, number, x, ids, labels, views):
        self.number, self.x, self.ids, self.labels, self.views = number, x, ids, labels, views
        self.rows, self.width = x.shape
        self.samples = len(ids)
        assert self.rows >= self.width, "the twin takes Gram matrices on the side of the columns"
        self.previous = self.deepest = self.train = None

    @cached_property
    def unit(self):
        """Rows of length 1."""
        z = self.x.astype(np.float64)
        z /= np.sqrt(np.einsum("ij,ij->i", z, z))[:, None]
        return z

    @cached_property
    def unit32(self):
        return self.unit.astype(np.float32)

    @cached_property
    def unit_gram(self):
        return self.unit.T @ self.unit

    @cached_property
    def mean(self):
        return self.x.mean(axis=0, dtype=np.float64)

    @cached_property
    def centred(self):
        return self.x - self.mean

    @cached_property
    def centred32(self):
        return self.centred.astype(np.float32)

    @cached_property
    def gram(self):
        """Of the centred rows."""
        return self.centred.T @ self.centred

    @cached_property
    def self_product(self):
        """||X'X||_F^2 of the centred rows; the Gram matrix is there when spectra have been taken."""
        gram = self.gram if "gram" in self.__dict__ else (self.centred32.T @ self.centred32).astype(np.float64)
        return np.vdot(gram, gram)

    @cached_property
    def squared(self):
        """Squared distances of all rows, in float32."""
        return squared_distances(self.centred32)

    @cached_property
    def view_distances(self):
        """[views, samples, samples] distances between the samples in one view."""
        views = np.ascontiguousarray(self.centred32.reshape(self.samples, self.views, -1).transpose(1, 0, 2))
        return np.sqrt(np.stack([squared_distances(one) for one in views]))

    @cached_property
    def neighbour_logs(self):
        """[views, samples] log of the ratio of the distances to the second and the first neighbour in the same view."""
        distances = self.view_distances.copy()
        distances[:, np.arange(self.samples), np.arange(self.samples)] = np.inf
        nearest = np.partition(distances, (0, 1), axis=2)[:, :, :2].astype(np.float64)
        assert (nearest > 0).all(), "the workloads have no copies"
        return np.log(nearest[:, :, 1] / nearest[:, :, 0])

    @cached_property
    def spectrum(self):
        return Spectrum(self)

    @cached_property
    def scores(self):
        """In the 16 leading principal components."""
        return self.centred @ self.spectrum.leading[1]


def squared_distances(x):
    squares = np.einsum("ij,ij->i", x, x)
    result = x @ x.T
    result *= -2
    result += squares
    result += squares[:, None]
    np.maximum(result, 0, out=result)
    np.fill_diagonal(result, 0)
    return result


class Spectrum:
    """Eigenvalues of X'X with and without the mean, and leading eigenvectors without, out of one reduction to tridiagonal form.

    Turned so that the mean lies along the first coordinate, both matrices differ in one element; LAPACK's reduction leaves that coordinate where it is.
    """

    def __init__(self, part):
        d = part.width
        mean = part.mean
        direction = mean / np.linalg.norm(mean)
        v = direction.copy()
        v[0] += np.copysign(1, v[0])
        tau = 2 / (v @ v)
        gv = part.gram @ v
        w = tau * (gv - tau / 2 * (v @ gv) * v)
        turned = blas.dsyr2(-1, v, w, a=part.gram.T.copy(order="F"), lower=1, overwrite_a=1)
        work, _ = lapack.dsytrd_lwork(d, lower=1)
        self.reflectors, self.diagonal, self.off, self.factors, info = lapack.dsytrd(turned, lower=1, lwork=int(work), overwrite_a=1)
        assert info == 0
        self.v, self.tau = v, tau
        lifted = self.diagonal.copy()
        lifted[0] += part.rows * (mean @ mean)
        self.uncentred = np.maximum(lapack.dsterf(lifted, self.off)[0], 0)[::-1]
        self.centred = np.maximum(lapack.dsterf(self.diagonal, self.off)[0], 0)[::-1]
        self.singular = np.sqrt(self.uncentred)

    @cached_property
    def leading(self):
        """The 16 leading eigenvalues of the centred Gram matrix and their vectors."""
        d = len(self.diagonal)
        values, y = scipy.linalg.eigh_tridiagonal(self.diagonal, self.off, select="i", select_range=(d - 16, d - 1), check_finite=False)
        y[1:] = lapack.dormqr("L", "N", self.reflectors[1:, :-1], self.factors, np.asfortranarray(y[1:]), 64 * 16)[0]
        y -= self.tau * np.outer(self.v, self.v @ y)
        return values[::-1], y[:, ::-1]
