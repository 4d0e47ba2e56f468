"""Rows of length 1, their coding rate, and what the spectrum of a layer says."""

import numpy as np
import scipy.linalg

from twin_common import mean_form

EPS2, DELTA = 0.5, 1e-4


def alignment(part):
    """The mean of |x - y|^2 over pairs is twice the sum of the variances."""
    own = 2 * part.by_sample(part.unit).var(axis=1, ddof=1).sum(axis=1)
    return {"alignment": (own.mean(), mean_form(own))}


def coding_rate(part):
    n, d = part.unit.shape
    matrix = np.eye(d) + d / (n * EPS2) * part.unit_gram
    rate = np.linalg.slogdet(matrix)[1] / 2
    classes = part.by_sample(part.unit)
    own = np.linalg.slogdet(np.eye(part.views) + d / (part.views * EPS2) * (classes @ classes.transpose(0, 2, 1)))[1] / 2
    within = own.mean()
    leverages = np.einsum("ij,ij->i", part.unit @ np.linalg.inv(matrix), part.unit)
    influence = d / (2 * EPS2) * part.by_sample(leverages).mean(axis=1)
    offset = rate - influence.mean()
    bound = d / 2 * np.log1p(1 / EPS2)
    ones = np.ones(part.samples)
    return {
        "coding_rate": (rate, (offset, 1, influence, ones)),
        "coding_rate_within": (within, mean_form(own)),
        "coding_rate_reduction": (rate - within, (offset, 1, influence - own, ones)),
        "crr_normalized": ((rate - within) / bound, (offset / bound, 1 / bound, influence - own, ones)),
    }


def feature_std(part):
    n, d = part.unit.shape
    deviation = part.unit.std(axis=0, ddof=1)
    value = deviation.mean()
    influence = (part.unit - part.unit.mean(axis=0)) ** 2 @ (1 / (2 * deviation * d))
    numerator = part.by_sample(influence).sum(axis=1)
    return {"feature_std": (value, (value - numerator.sum() / n, 1, numerator, np.full(part.samples, part.views)))}


def self_cluster(part):
    n, d = part.unit.shape
    expected = n + n * (n - 1) / d
    return {"self_cluster": (((part.unit_gram**2).sum() - expected) / (n * n - expected), None)}


def entropy_rank(p):
    return np.exp(-(p * np.log(p)).sum())


def rankme(part):
    s = part.singular_values
    return {"rankme": (entropy_rank(s / s.sum() + 1e-7), None)}


def stable_rank(part):
    s = part.singular_values
    return {"stable_rank": ((s**2).sum() / s[0] ** 2, None)}


def alpha_req(part):
    values = part.covariance_spectrum
    values = values[values > 1e-8 * values[0]]

    def fit(last):
        j = np.arange(11, last + 1)
        x, y = np.log(j), np.log(values[10:last])
        slope, offset = np.polyfit(x, y, 1, w=np.sqrt(1 / j))
        return -slope, 1 - ((y - slope * x - offset) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    alpha, explained = fit(50)
    return {"alpha_req": (alpha if explained >= 0.95 else fit(20)[0], None)}


def nesum(part):
    return {"nesum": (part.covariance_spectrum.sum() / part.covariance_spectrum[0], None)}


def pseudo_condition(part):
    s = part.singular_values
    return {"pseudo_condition": (s[-1] / s[0], None)}


def coherence(part):
    """Leverages x'(X'X)^-1 x: two to eight times as quick as by np.linalg.qr or svd; the workloads have full rank."""
    leverages = np.einsum("ij,ij->i", part.x @ np.linalg.inv(part.gram), part.x)
    return {"coherence": (part.rows / part.width * leverages.max(), None)}


def lidar(part):
    views = part.by_sample(part.x)
    means = views.mean(axis=1)
    residuals = (views - means[:, None]).reshape(part.x.shape)
    within = residuals.T @ residuals / (part.rows - part.samples) + DELTA * np.eye(part.width)
    values = np.maximum(scipy.linalg.eigh(np.cov(means, rowvar=False), within, eigvals_only=True), 0)
    return {"lidar": (entropy_rank(values / values.sum() + 1e-8), None)}
