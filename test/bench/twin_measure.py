"""The measures of `npm run bench -- measure` in NumPy, SciPy and scikit-learn: the same definitions, the fastest calls known that are correct.

Reads lines {"file", "layer"} on standard input and answers with seconds for each family and the values. Uses the threads that
OPENBLAS_NUM_THREADS and its like give it. Python 3.9 or newer, NumPy >= 1.22, SciPy >= 1.8, scikit-learn >= 1.1.
"""

import json
import pathlib
import struct
import sys
import time
import warnings

import numpy as np
import scipy
import scipy.linalg
import sklearn
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
from random_hash import hash64

EPS2, SEED = 0.5, 0
CLASSES, HEADS, L2, REPLICATES = 10, 5, 1e-4, 200


def random_label(head, sample_id):
    return ((hash64(1, SEED, head, sample_id) >> 32) * CLASSES) >> 32


def read_layer(path, name):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))

        def tensor(key):
            entry = header[key]
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            dtype = {"F16": "<f2", "I32": "<i4"}[entry["dtype"]]
            return np.frombuffer(file.read(end - begin), dtype=dtype).reshape(entry["shape"])

        return tensor(name).astype(np.float32), tensor("sample_id"), tensor("split")


def interval(replicates):
    return np.std(replicates, ddof=1), np.percentile(replicates, [2.5, 97.5])


def bootstrap(*numerators, size):
    """Replicates of means over samples of equal size, all on the same resamples."""
    draws = np.random.default_rng(SEED).integers(0, size, (REPLICATES, size))
    return [numerator[draws].mean(axis=1) for numerator in numerators]


def normalized(x):
    z = x.astype(np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return z


def alignment(x, views):
    """Sum over pairs of |x - y|^2 = views * sum |x - mean|^2."""
    z = normalized(x).reshape(-1, views, x.shape[1])
    z -= z.mean(axis=1, keepdims=True)
    own = views * np.einsum("svd,svd->s", z, z) / (views * (views - 1) / 2)
    return own.mean(), bootstrap(own, size=len(own))[0]


def coding_rate(x, views, timing):
    z = normalized(x)
    n, d = z.shape
    a = d / (n * EPS2)
    m = z.T @ z
    m *= a
    m[np.diag_indices(d)] += 1
    c = scipy.linalg.cholesky(m, lower=True, overwrite_a=True, check_finite=False)
    rate = np.log(np.diag(c)).sum()
    classes = z.reshape(-1, views, d)
    small = np.eye(views) + d / (views * EPS2) * (classes @ classes.transpose(0, 2, 1))
    own = np.log(np.diagonal(np.linalg.cholesky(small), axis1=1, axis2=2)).sum(axis=1)
    within = own.mean()
    start = time.perf_counter()
    # Influences only feed the interval, where float32 is more than enough.
    y = scipy.linalg.solve_triangular(c.astype(np.float32), z.T.astype(np.float32), lower=True, check_finite=False, overwrite_b=True)
    influence = (d / (2 * EPS2)) * np.einsum("ij,ij->j", y, y).astype(np.float64).reshape(-1, views).mean(axis=1)
    replicates = bootstrap(influence, own, influence - own, size=len(own))
    timing["intervals"] += time.perf_counter() - start
    return rate, within, replicates


def rankme(x):
    n, d = x.shape
    z = x.astype(np.float64)
    s = np.sqrt(np.maximum(scipy.linalg.eigh(z.T @ z if n >= d else z @ z.T, eigvals_only=True, check_finite=False, overwrite_a=True), 0))
    p = s / s.sum() + 1e-7
    return np.exp(-(p * np.log(p)).sum())


def fitted_scores(x, y, test, test_labels, tolerance):
    model = LogisticRegression(C=1 / (L2 * len(x)), tol=tolerance, max_iter=1000)
    model.fit(x, y)
    score = lambda rows, labels: model.predict(rows) == labels
    return score(x, y), None if test is None else score(test, test_labels)


def random_labels(x, ids, views):
    samples = len(x) // views
    k = min(64, samples // 8)
    x = x.astype(np.float64).reshape(samples, views, -1)
    fit = x[:, 0::2].reshape(-1, x.shape[2])
    other = x[:, 1::2].reshape(-1, x.shape[2])
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    deviation[deviation == 0] = 1
    fit = (fit - mean) / deviation
    other = (other - mean) / deviation
    d = fit.shape[1]
    _, vectors = scipy.linalg.eigh(fit.T @ fit, subset_by_index=[d - k, d - 1], check_finite=False, overwrite_a=True)
    fit, other = fit @ vectors, other @ vectors
    noise = np.random.default_rng(SEED).standard_normal(fit.shape)
    # Newer scikit-learn minimizes the mean loss, older the sum: the same tolerance on the gradient of the mean.
    mean_loss = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 4)
    tolerance = 1e-5 if mean_loss else 1e-5 * len(fit)
    right = {"fit": [], "transfer": [], "control": []}
    for head in range(HEADS):
        label = np.array([random_label(head, int(i)) for i in ids[::views]])
        y_fit, y_other = np.repeat(label, (views + 1) // 2), np.repeat(label, views // 2)
        own, moved = fitted_scores(fit, y_fit, other, y_other, tolerance)
        control, _ = fitted_scores(noise, y_fit, None, None, tolerance)
        right["fit"].append(own)
        right["transfer"].append(moved)
        right["control"].append(control)
    values = {}
    for name, heads in right.items():
        own = np.mean(heads, axis=0).reshape(samples, -1).mean(axis=1)
        values[name] = ((own.mean() - 1 / CLASSES) / (1 - 1 / CLASSES), interval(bootstrap(own, size=samples)[0]))
    return values


def measure(path, name):
    timing = {"intervals": 0.0}
    families, values = {}, {}
    start = time.perf_counter()
    x, ids, split = read_layer(path, name)
    read = time.perf_counter() - start
    views = int(np.bincount(np.unique(ids, return_inverse=True)[1]).min())
    parts = {"train": split == 0, "held_out": split == 1}

    def timed(family, compute):
        begin, cpu = time.perf_counter(), time.process_time()
        result = {part: compute(x[rows], ids[rows]) for part, rows in parts.items()}
        families[family] = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
        return result

    for part, (value, replicates) in timed("alignment", lambda z, _: alignment(z, views)).items():
        interval(replicates)
        values[f"alignment {part}"] = value
    for part, (rate, within, replicates) in timed("coding_rate", lambda z, _: coding_rate(z, views, timing)).items():
        for one in replicates:
            interval(one)
        values[f"coding_rate {part}"] = rate
        values[f"coding_rate_within {part}"] = within
        values[f"coding_rate_reduction {part}"] = rate - within
    for part, value in timed("rankme", lambda z, _: rankme(z)).items():
        values[f"rankme {part}"] = value
    for part, found in timed("random_label", lambda z, i: random_labels(z, i, views)).items():
        for metric in ("fit", "transfer"):
            values[f"random_label_{metric} {part}"] = found[metric][0]
    return {"layer": name, "read": read, "families": families, "intervals": timing["intervals"], "values": values}


def main():
    warnings.simplefilter("ignore")
    try:
        from threadpoolctl import threadpool_info

        blas = "; ".join(f"{one['internal_api']} {one.get('version')} x {one['num_threads']}" for one in threadpool_info() if one["user_api"] == "blas")
    except ImportError:
        blas = "unknown BLAS"
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}, {blas}", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(measure(request["file"], request["layer"])), flush=True)


if __name__ == "__main__":
    main()
