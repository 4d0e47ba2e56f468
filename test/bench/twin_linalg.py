"""The operations of `npm run bench -- linalg` in NumPy and SciPy: the fastest call of LAPACK for each.

Reads lines {"operation", "rows", "columns"} on standard input and answers with seconds, seconds of the processor and a value to compare. Uses the threads that
OPENBLAS_NUM_THREADS and its like give it. Python 3.9 or newer, NumPy >= 1.22, SciPy >= 1.8.
"""

import functools
import json
import sys
import time

import numpy as np
import scipy
import scipy.linalg

COUNT = 64


@functools.lru_cache(maxsize=None)
def matrices(rows, columns):
    i = np.arange(1, rows + 1, dtype=np.float64)[:, None]
    j = np.arange(1, columns + 1, dtype=np.float64)[None, :]
    wave = np.sin(12.9898 * i + 78.233 * j) * 43758.5453
    z = (wave - np.floor(wave) - 0.5) * j**-0.5
    gram = z.T @ z
    return z, gram, gram + np.eye(columns)


def cholesky(_, __, shifted):
    factor = scipy.linalg.cholesky(shifted, lower=True, check_finite=False)
    return 2 * np.log(np.diag(factor)).sum()


def eigenvectors(_, gram, __):
    size = len(gram)
    values, _vectors = scipy.linalg.eigh(gram, subset_by_index=[size - COUNT, size - 1], check_finite=False)
    return values[0]


OPERATIONS = {
    "gram": lambda z, _, __: (z.T @ z)[-1, -1],
    "cholesky": cholesky,
    "eigenvalues": lambda _, gram, __: np.sqrt(np.maximum(0, scipy.linalg.eigvalsh(gram, check_finite=False))).sum(),
    "eigenvectors": eigenvectors,
}


def main():
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        operands = matrices(request["rows"], request["columns"])
        before = time.process_time()
        start = time.perf_counter()
        value = OPERATIONS[request["operation"]](*operands)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "cpu": time.process_time() - before, "value": float(value)}), flush=True)


main()
