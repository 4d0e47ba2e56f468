"""Writes the inputs and reference values of the golden tests: python3 test/golden/make_golden.py

Needs NumPy, SciPy and scikit-learn (written with NumPy 1.24.2, SciPy 1.10.1, scikit-learn 1.2.1 of Debian 12). Each value is computed the most
direct way: determinants by slogdet, singular values by SVD, all pairs of views one by one, head by head to a gradient of 1e-9.
"""

import json
import pathlib
import struct

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from random_hash import hash64

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE / "data"
SAMPLE = HERE.parent.parent / "media" / "sample"
SEED, CLASSES, HEADS, L2 = 0, 10, 5, 1e-4
MASK32 = (1 << 32) - 1


# Random numbers, as src/metrics/random.ts defines them.


def random_label(seed, head, sample_id):
    return ((hash64(1, seed, head, sample_id) >> 32) * CLASSES) >> 32


def xoshiro128starstar(*parts):
    first, second = hash64(*parts, 0), hash64(*parts, 1)
    a, b, c, d = first & MASK32, first >> 32, second & MASK32, (second >> 32) or 1
    rotate = lambda value, bits: ((value << bits) | (value >> (32 - bits))) & MASK32
    while True:
        yield (rotate((b * 5) & MASK32, 7) * 9) & MASK32
        shifted = (b << 9) & MASK32
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = rotate(d, 11)


def gaussians(count, *parts):
    numbers = xoshiro128starstar(*parts)
    values = []
    while len(values) < count:
        radius = np.sqrt(-2 * np.log((next(numbers) + 0.5) / 2**32))
        angle = 2 * np.pi * ((next(numbers) + 0.5) / 2**32)
        values += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.array(values[:count])


# The measures.


def by_sample(x, ids):
    return [x[ids == one] for one in np.unique(ids)]


def normalized(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def logdet(m):
    sign, value = np.linalg.slogdet(m)
    assert sign == 1
    return value


def coding_rates(x, ids, eps2):
    z = normalized(x)
    n, d = z.shape
    rate = lambda rows: 0.5 * logdet(np.eye(d) + d / (len(rows) * eps2) * rows.T @ rows)
    whole = rate(z)
    within = sum(len(rows) / n * rate(rows) for rows in by_sample(z, ids))
    bound = d / 2 * np.log(1 + 1 / eps2) if n >= d else n / 2 * np.log(1 + d / (n * eps2))
    return {"coding_rate": whole, "coding_rate_within": within, "coding_rate_reduction": whole - within, "crr_normalized": (whole - within) / bound}


def alignment(x, ids):
    pairs = [((one - other) ** 2).sum() for rows in by_sample(normalized(x), ids) for i, one in enumerate(rows) for other in rows[:i]]
    return float(np.mean(pairs))


def rankme(x):
    s = np.linalg.svd(x, compute_uv=False)
    p = s / s.sum() + 1e-7
    return float(np.exp(-(p * np.log(p)).sum()))


def fit_head(x, labels):
    n, k = x.shape
    target = np.eye(CLASSES)[labels]
    # Columns are scaled for the minimizer's sake; the minimum stays where it is.
    scale = 1 / np.sqrt(0.09 * (x**2).mean(axis=0) + L2)
    scaled = x * scale

    def loss(flat):
        w = flat.reshape(k + 1, CLASSES)
        scores = scaled @ w[:-1] + w[-1]
        total = logsumexp(scores, axis=1)
        residual = (np.exp(scores - total[:, None]) - target) / n
        weights = L2 * scale[:, None] ** 2 * w[:-1]
        value = (total - scores[np.arange(n), labels]).mean() + 0.5 * (weights * w[:-1]).sum()
        return value, np.vstack([scaled.T @ residual + weights, residual.sum(axis=0)]).ravel()

    found = minimize(loss, np.zeros((k + 1) * CLASSES), jac=True, method="L-BFGS-B", options={"maxiter": 100000, "maxfun": 100000, "gtol": 1e-9, "ftol": 0, "maxcor": 30})
    w = found.x.reshape(k + 1, CLASSES)
    return lambda rows: ((rows * scale) @ w[:-1] + w[-1]).argmax(axis=1)


def random_labels(x, ids, part):
    samples = np.unique(ids)
    groups = by_sample(x, ids)
    if min(len(rows) for rows in groups) < 4 or len(samples) < 8:
        return {}
    fit = np.concatenate([rows[0::2] for rows in groups])
    other = np.concatenate([rows[1::2] for rows in groups])
    fit_sample = np.repeat(np.arange(len(samples)), [len(rows[0::2]) for rows in groups])
    other_sample = np.repeat(np.arange(len(samples)), [len(rows[1::2]) for rows in groups])
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    kept = deviation > 1e-12 * np.abs(fit).max()
    fit, other = (fit - mean)[:, kept] / deviation[kept], (other - mean)[:, kept] / deviation[kept]
    _, s, v = np.linalg.svd(fit, full_matrices=False)
    k = int(min(64, len(samples) // 8, (s > 1e-6 * s[0]).sum()))
    fit, other = fit @ v[:k].T, other @ v[:k].T
    noise = gaussians(len(fit) * k, 2, SEED, 0 if part == "train" else 1).reshape(len(fit), k)
    accuracy = {"fit": [], "transfer": [], "control": []}
    for head in range(HEADS):
        labels = np.array([random_label(SEED, head, int(one)) for one in samples])
        predict = fit_head(fit, labels[fit_sample])
        accuracy["fit"].append((predict(fit) == labels[fit_sample]).mean())
        accuracy["transfer"].append((predict(other) == labels[other_sample]).mean())
        accuracy["control"].append((fit_head(noise, labels[fit_sample])(noise) == labels[fit_sample]).mean())
    return {f"random_label_{name}": {"heads": [(one - 1 / CLASSES) / (1 - 1 / CLASSES) for one in values], "k": k} for name, values in accuracy.items()}


def expected(x, ids, split):
    parts = {}
    for part, number in (("train", 0), ("held_out", 1)):
        rows, own = x[split == number].astype(np.float64), ids[split == number]
        if len(rows) == 0:
            continue
        parts[part] = {
            "eps2=0.5": coding_rates(rows, own, 0.5),
            "eps2=0.1": coding_rates(rows, own, 0.1),
            "alignment": alignment(rows, own),
            "rankme": rankme(rows),
            **random_labels(rows, own, part),
        }
    return parts


# Inputs.

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4"}


def write_safetensors(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, (dtype, values) in tensors.items():
        blob = np.ascontiguousarray(values, dtype=DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    start = 8 + length
    return {
        name: np.frombuffer(raw[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def probe(samples, views, held_out):
    ids = np.repeat(1000 + 7 * np.arange(samples), views)
    split = np.repeat((np.arange(samples) >= samples - held_out).astype(np.int32), views)
    return ids.astype(np.int32), split


def inputs(random):
    ids, split = probe(64, 8, 32)
    yield "gaussian", "F32", random.standard_normal((512, 24)), ids, split

    centers = np.repeat(random.standard_normal((80, 32)) * np.arange(1, 33) ** -0.5, 8, axis=0)
    ids, split = probe(80, 8, 40)
    spread = np.where(split == 0, 0.1, 0.4)[:, None]
    yield "clustered", "F32", centers + spread * random.standard_normal((640, 32)) * np.arange(1, 33) ** -0.5 + 0.3, ids, split

    # Singular values from 1 down to 1e-12: squaring them would lose most.
    ids, split = probe(32, 8, 16)
    basis, _ = np.linalg.qr(random.standard_normal((40, 40)))
    left = np.concatenate([np.linalg.qr(random.standard_normal((128, 40)))[0] for _ in range(2)])
    yield "collapsed", "F64", left * 10.0 ** -np.minimum(np.arange(40), 12) @ basis.T, ids, split

    # A little noise around one direction, in half precision, as a collapsed network gives it.
    direction = random.standard_normal(32)
    yield "one_direction", "F16", direction + 0.002 * random.standard_normal((256, 32)), ids, split

    ids, split = probe(16, 4, 8)
    yield "fewer_rows_than_dimensions", "F32", random.standard_normal((64, 96)) + np.repeat(random.standard_normal((16, 96)), 4, axis=0), ids, split


def main():
    DATA.mkdir(exist_ok=True)
    values = {"labels": [[random_label(0, head, one) for one in (0, 1, 2, 1000, -1, 2**62)] for head in range(3)]}
    for name, dtype, x, ids, split in inputs(np.random.default_rng(20240)):
        order = np.random.default_rng(1).permutation(len(x))
        # Views keep their order; samples are scattered over the file.
        order = np.lexsort((np.arange(len(x)), order[np.searchsorted(ids, ids)]))
        x, ids, split = x[order].astype(DTYPES[dtype]), ids[order], split[order]
        write_safetensors(DATA / f"{name}.safetensors", {"sample_id": ("I32", ids), "split": ("I32", split), "features": (dtype, x)})
        values[f"data/{name}.safetensors features"] = expected(x, ids, split)
    # Features of a real training run, kept here so that a new recording of the sample runs does not move the reference.
    for run in ("memorizing", "healthy"):
        kept = DATA / f"digits_{run}.safetensors"
        if not kept.exists():
            tensors = read_safetensors(sorted((SAMPLE / f"simclr-digits-{run}" / "probes").glob("*.safetensors"))[-1])
            names = {"sample_id": "I32", "split": "I32", "block0": "F16", "block5": "F16", "projector": "F16"}
            write_safetensors(kept, {name: (dtype, tensors[name]) for name, dtype in names.items()})
        tensors = read_safetensors(kept)
        for layer in ("block0", "block5", "projector"):
            values[f"data/{kept.name} {layer}"] = expected(tensors[layer], tensors["sample_id"], tensors["split"])
    (HERE / "expected.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
