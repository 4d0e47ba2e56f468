"""Rows of length 1, their coding rate, and what the spectrum of a layer says."""

import numpy as np
import scipy.linalg

from twin_common import mean_form

EPS2, DELTA = 0.5, 1e-4


def alignment(part):
    """Sum over pairs of |x - y|^2 = views * sum |x - mean|^2."""
    z = part.unit.reshape(part.samples, part.views, -1)
    z = z - z.mean(axis=1, keepdims=True)
    own = np.einsum("svd,svd->s", z, z) / ((part.views - 1) / 2)
    return {"alignment": (own.mean(), mean_form(own))}


def coding_rate(part):
    z, views = part.unit, part.views
    n, d = z.shape
    m = part.unit_gram * (d / (n * EPS2))
    m[np.diag_indices(d)] += 1
    c = scipy.linalg.cholesky(m.T, lower=True, overwrite_a=True, check_finite=False)
    rate = np.log(np.diag(c)).sum()
    classes = z.reshape(-1, views, d)
    small = np.eye(views) + d / (views * EPS2) * (classes @ classes.transpose(0, 2, 1))
    own = np.log(np.diagonal(np.linalg.cholesky(small), axis1=1, axis2=2)).sum(axis=1)
    within = own.mean()
    # Influences only feed the interval, where float32 is more than enough.
    y = scipy.linalg.solve_triangular(c.astype(np.float32), part.unit32.T, lower=True, check_finite=False)
    influence = (d / (2 * EPS2)) * np.einsum("ij,ij->j", y, y).astype(np.float64).reshape(-1, views).mean(axis=1)
    offset = rate - influence.mean()
    bound = d / 2 * np.log1p(1 / EPS2)
    ones = np.ones(len(own))
    return {
        "coding_rate": (rate, (offset, 1, influence, ones)),
        "coding_rate_within": (within, mean_form(own)),
        "coding_rate_reduction": (rate - within, (offset, 1, influence - own, ones)),
        "crr_normalized": ((rate - within) / bound, (offset / bound, 1 / bound, influence - own, ones)),
    }


def feature_std(part):
    n, d = part.unit.shape
    squares = part.unit - part.unit.mean(axis=0)
    squares *= squares
    deviation = np.sqrt(squares.sum(axis=0) / (n - 1))
    value = deviation.mean()
    numerator = (squares @ (1 / (2 * deviation * d))).reshape(part.samples, -1).sum(axis=1)
    return {"feature_std": (value, (value - numerator.sum() / n, 1, numerator, np.full(part.samples, part.views)))}


def self_cluster(part):
    n, d = part.unit.shape
    expected = n + n * (n - 1) / d
    return {"self_cluster": ((np.vdot(part.unit_gram, part.unit_gram) - expected) / (n * n - expected), None)}


def entropy_rank(p):
    return np.exp(-(p * np.log(p)).sum())


def rankme(part):
    s = part.spectrum.singular
    return {"rankme": (entropy_rank(s / s.sum() + 1e-7), None)}


def stable_rank(part):
    squares = np.trace(part.gram) + part.rows * (part.mean @ part.mean)
    return {"stable_rank": (squares / part.spectrum.uncentred[0], None)}


def alpha_req(part):
    values = part.spectrum.centred
    values = values[values > 1e-8 * values[0]]

    def fit(last):
        j = np.arange(11, last + 1)
        x, y, weights = np.log(j), np.log(values[10:last]), 1 / j
        slope, offset = np.polyfit(x, y, 1, w=np.sqrt(weights))
        return -slope, 1 - ((y - slope * x - offset) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    alpha, explained = fit(50)
    return {"alpha_req": (alpha if explained >= 0.95 else fit(20)[0], None)}


def nesum(part):
    return {"nesum": (np.trace(part.gram) / part.spectrum.centred[0], None)}


def pseudo_condition(part):
    s = part.spectrum.singular
    return {"pseudo_condition": (s[-1] / s[0], None)}


def coherence(part):
    """Leverages z'(Z'Z)^-1 z; the workloads have full rank."""
    d = part.width
    gram = part.gram + part.rows * np.outer(part.mean, part.mean)
    c = scipy.linalg.cholesky(gram.T, lower=True, overwrite_a=True, check_finite=False)
    y = scipy.linalg.solve_triangular(c, part.x.astype(np.float64).T, lower=True, check_finite=False, overwrite_b=True)
    leverages = np.einsum("ij,ij->j", y, y)
    assert abs(leverages.sum() - d) < 1e-6 * d
    return {"coherence": (part.rows / d * leverages.max(), None)}


def lidar(part):
    d, samples = part.width, part.samples
    freedom = part.rows - samples
    means = part.centred.reshape(samples, part.views, d).mean(axis=1)
    within = part.gram - part.views * (means.T @ means)
    within /= freedom
    within[np.diag_indices(d)] += DELTA
    c = scipy.linalg.cholesky(within.T, lower=True, overwrite_a=True, check_finite=False)
    means /= np.sqrt(samples - 1)
    white = scipy.linalg.solve_triangular(c, means.T, lower=True, check_finite=False, overwrite_b=True)
    small = white.T @ white if samples < d else white @ white.T
    p = np.zeros(d)
    values = np.maximum(scipy.linalg.eigh(small, eigvals_only=True, check_finite=False, overwrite_a=True), 0)
    p[: len(values)] = values
    return {"lidar": (entropy_rank(p / p.sum() + 1e-8), None)}
