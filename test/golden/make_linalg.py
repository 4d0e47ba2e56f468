"""Writes linalg.json: eigenvalues and log-determinants by LAPACK of matrices that are hard for such algorithms.

The elements are whole numbers out of a hash, times powers of two, and every sum of products is exact in float64: the test
builds the same matrices to the last bit. Log-determinants come from small well-conditioned matrices by the determinant lemma, not from
the matrix itself. Python 3.9 or newer, NumPy >= 1.22, SciPy >= 1.8.

    python3 test/golden/make_linalg.py
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.linalg

SMALL = [1, 2, 3]
# Around one and two bandwidths of the reduction, and around what one and two tiles of the Cholesky factor are.
EDGES = [31, 32, 33, 34, 63, 64, 65, 66, 192, 193]
LARGE = [200, 600]


def integers(rows, columns, seed):
    """rows x columns of whole numbers from -1023 to 1023."""
    i = np.arange(rows, dtype=np.uint64)[:, None]
    j = np.arange(columns, dtype=np.uint64)[None, :]
    mask = np.uint64(0xFFFFFFFF)
    x = (i * np.uint64(0x9E3779B1) + j * np.uint64(0x85EBCA77) + np.uint64(seed) * np.uint64(0xC2B2AE3D)) & mask
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & mask
    x ^= x >> np.uint64(15)
    return (x % np.uint64(2047)).astype(np.float64) - 1023


def log_determinant_of_sum(z, c):
    """log det(Z Z' + c I) = (n - r) log c + log det(c I + Z'Z)."""
    n, r = z.shape
    sign, value = np.linalg.slogdet(z.T @ z + c * np.eye(r))
    assert sign == 1
    return (n - r) * np.log(c) + value


def build(kind, n):
    """The matrix and, where it is positive definite, its log-determinant."""
    if kind == "full":
        z = integers(n + 5, n, 1)
        gram = z.T @ z
        return gram, np.linalg.slogdet(gram)[1]
    if kind == "graded":
        gram, log_determinant = build("full", n)
        exponents = -((40 * np.arange(n)) // n)
        scales = 2.0**exponents
        return gram * scales[:, None] * scales[None, :], log_determinant + 2 * exponents.sum() * np.log(2)
    if kind == "indefinite":
        x = integers(n, n, 2)
        return x + x.T, None
    if kind == "zero":
        return np.zeros((n, n)), None
    rank = min(3, n) if kind == "clustered" else max(1, n // 3)
    z = integers(n, rank, 3)
    shift = {"rank deficient": 0.0, "condition 1e12": 2.0**-12, "clustered": 2.0**20}[kind]
    return z @ z.T + shift * np.eye(n), log_determinant_of_sum(z, shift) if shift else None


def main():
    kinds = ["full", "graded", "indefinite", "zero", "rank deficient", "condition 1e12", "clustered"]
    cases = []
    for kind in kinds:
        for n in SMALL + (EDGES if kind in ("full", "indefinite") else []) + (LARGE if kind != "zero" else []):
            matrix, log_determinant = build(kind, n)
            assert (matrix == matrix.T).all()
            case = {"kind": kind, "size": n, "eigenvalues": [float(f"{value:.15g}") for value in scipy.linalg.eigvalsh(matrix)]}
            if log_determinant is not None:
                case["logDeterminant"] = float(log_determinant)
            cases.append(case)
    generalized = []
    for n in SMALL + [40, 300]:
        values = scipy.linalg.eigvalsh(build("indefinite", n)[0], build("full", n)[0])
        generalized.append({"size": n, "eigenvalues": [float(f"{value:.15g}") for value in values]})
    made_with = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    text = json.dumps({"madeWith": made_with, "cases": cases, "generalized": generalized}, separators=(",", ":"))
    pathlib.Path(__file__).with_name("linalg.json").write_text(text + "\n")


main()
