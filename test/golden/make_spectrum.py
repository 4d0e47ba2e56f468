"""Writes reference values of the spectrum measures beside this file, spectrum.json: python3 test/golden/make_spectrum.py

Needs NumPy and SciPy (written with NumPy 1.24.2, SciPy 1.10.1 of Debian 12). Each value is computed the most direct way in float64: singular
values and vectors by SVD of the features themselves, covariances by numpy.cov, all pairs of rows, samples one by one. null stands for a
value that is not to be taken. Inputs are those of make_golden.py and two that spectrum.test.ts makes out of the same random numbers.
"""

import json

import numpy as np
import scipy.linalg

from make_golden import DATA, HERE, by_sample, gaussians, normalized, probe, read_safetensors


def stable_rank(x):
    s = np.linalg.svd(x, compute_uv=False)
    return float((x**2).sum() / s[0] ** 2)


def nesum(x):
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    return float(values.sum() / values[0])


def power_law(values, last):
    j = np.arange(11, last + 1)
    y = np.log(values[10:last])
    root = np.sqrt(1 / j)
    design = np.stack([np.log(j), np.ones(len(j))], axis=1)
    coefficients = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
    r2 = 1 - ((y - design @ coefficients) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return {"alpha": float(-coefficients[0]), "r2": float(r2), "to": last}


def alpha_req(x):
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / (len(x) - 1)
    values = values[values > 1e-8 * values[0]]
    if len(values) < 20:
        return None
    fit = power_law(values, 50) if len(values) >= 50 else None
    return fit if fit and fit["r2"] >= 0.95 else power_law(values, 20)


def feature_std(x):
    return float(normalized(x).std(axis=0, ddof=1).mean())


def self_cluster(x):
    n, d = x.shape
    z = normalized(x)
    expected = n + n * (n - 1) / d
    return float((((z @ z.T) ** 2).sum() - expected) / (n**2 - expected))


def coherence(x):
    n = len(x)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    rank = int((s > 1e-6 * s[0]).sum())
    if rank == n or (rank < len(s) and s[rank] > 1e-3 * s[rank - 1]):
        return None
    return {"value": float(n / rank * (u[:, :rank] ** 2).sum(axis=1).max()), "rank": rank}


def pseudo_condition(x):
    s = np.linalg.svd(x, compute_uv=False)
    value = s[-1] / s[0]
    return float(value) if value > max(x.shape) * np.finfo(float).eps else 0.0


def lidar(x, ids):
    groups = by_sample(x, ids)
    n, d = len(groups), x.shape[1]
    freedom = len(x) - n
    if freedom < d:
        return None
    means = np.array([rows.mean(axis=0) for rows in groups])
    between = np.cov(means.T)
    within = sum((rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0)) for rows in groups) / freedom + 1e-4 * np.eye(d)
    values, vectors = np.linalg.eigh(within)
    root = vectors / np.sqrt(values) @ vectors.T
    p = np.maximum(np.linalg.eigvalsh(root @ between @ root), 0)
    p = p / p.sum() + 1e-8
    value = float(np.exp(-(p * np.log(p)).sum()))
    # The generalized problem has the same eigenvalues.
    q = np.maximum(scipy.linalg.eigh(between, within, eigvals_only=True), 0)
    q = q / q.sum() + 1e-8
    assert abs(np.exp(-(q * np.log(q)).sum()) / value - 1) < 1e-8
    return value


def expected(x, ids, split):
    parts = {}
    for part, number in (("train", 0), ("held_out", 1)):
        rows, own = x[split == number].astype(np.float64), ids[split == number]
        parts[part] = {
            "stable_rank": stable_rank(rows),
            "nesum": nesum(rows),
            "alpha_req": alpha_req(rows),
            "feature_std": feature_std(rows),
            "self_cluster": self_cluster(rows),
            "coherence": coherence(rows),
            "pseudo_condition": pseudo_condition(rows),
            "lidar": lidar(rows, own),
        }
    return parts


def made():
    ids, split = probe(96, 4, 48)
    yield "power_law", gaussians(384 * 64, 11).reshape(384, 64) * np.arange(1, 65) ** -0.5, ids, split
    ids, split = probe(80, 4, 40)
    yield "few_directions", gaussians(320 * 12, 12).reshape(320, 12) @ gaussians(12 * 48, 13).reshape(12, 48), ids, split


def main():
    values = {}
    files = {name: ["features"] for name in ("gaussian", "clustered", "collapsed", "one_direction", "fewer_rows_than_dimensions")}
    files |= {f"digits_{run}": ["block0", "block5", "projector"] for run in ("healthy", "memorizing")}
    for name, layers in files.items():
        tensors = read_safetensors(DATA / f"{name}.safetensors")
        for layer in layers:
            values[f"data/{name}.safetensors {layer}"] = expected(tensors[layer], tensors["sample_id"], tensors["split"])
    for name, x, ids, split in made():
        values[name] = expected(x, ids, split)
    (HERE / "spectrum.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
