"""Writes the reference values of CKA and UnitMem: python3 test/golden/make_comparison.py

Needs NumPy (written with 1.24.2). CKA is taken both ways, by Gram matrices and in feature space, and both must agree; the debiased form by Gram
matrices is the U-centred one of Szekely & Rizzo (2014), which does not share a formula with the implementation. UnitMem goes unit by unit.
"""

import json

import numpy as np

from make_golden import DATA, HERE, read_safetensors


def debiased_hsic(k, l):
    """Song et al. 2012, HSIC_1, with the diagonals taken away first."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    one = np.ones(n)
    return (np.trace(k @ l) + one @ k @ one * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


def u_centred(k):
    n = len(k)
    rows = k.sum(axis=1)
    k = k - rows[:, None] / (n - 2) - rows[None, :] / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(k, 0)
    return k


def gram_cka(x, y, debiased):
    if debiased:
        return debiased_hsic(x @ x.T, y @ y.T) / np.sqrt(debiased_hsic(x @ x.T, x @ x.T) * debiased_hsic(y @ y.T, y @ y.T))
    centre = np.eye(len(x)) - 1 / len(x)
    k, l = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())


def other_cka(x, y, debiased):
    if debiased:
        k, l = x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(l, 0)
        k, l = u_centred(k), u_centred(l)
        return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def cka(x, y):
    # A large mean costs the Gram matrices digits that the features still have.
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    values = {}
    for name, debiased in (("plain", False), ("debiased", True)):
        values[name], other = float(gram_cka(x, y, debiased)), other_cka(x, y, debiased)
        assert abs(values[name] - other) < 1e-9, (values[name], other)
    return {**values, "useDebiased": len(x) < 4 * max(x.shape[1], y.shape[1])}


def unit_mem(x, ids):
    scores = []
    for unit in np.maximum(x, 0).T:
        means = np.array([unit[ids == one].mean() for one in np.unique(ids)])
        if means.max() == 0:
            continue
        rest = np.delete(means, means.argmax()).mean()
        scores.append((means.max() - rest) / (means.max() + rest))
    return float(np.mean(scores))


def compared(x, y, ids, split):
    """x measured against y, both with the rows of a sample side by side."""
    parts = {}
    for part, number in (("train", 0), ("held_out", 1)):
        chosen = split == number
        a, b = x[chosen].astype(np.float64), y[chosen].astype(np.float64)
        parts[part] = {"cka": cka(a, b), "unit_mem": unit_mem(a, ids[chosen])}
    return parts


def main():
    values = {}
    digits = {run: read_safetensors(DATA / f"digits_{run}.safetensors") for run in ("memorizing", "healthy")}
    ids, split = digits["memorizing"]["sample_id"], digits["memorizing"]["split"]
    for one, other in (("block5", "projector"), ("block0", "projector"), ("projector", "block5")):
        values[f"digits_memorizing {one} {other}"] = compared(digits["memorizing"][one], digits["memorizing"][other], ids, split)
    for name in ("gaussian", "clustered", "collapsed", "one_direction", "fewer_rows_than_dimensions"):
        tensors = read_safetensors(DATA / f"{name}.safetensors")
        x = tensors["features"]
        values[f"{name} even odd"] = compared(x[:, 0::2], x[:, 1::2], tensors["sample_id"], tensors["split"])
    (HERE / "comparison.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
