"""The measures of `npm run bench -- suite` in NumPy, SciPy and scikit-learn, the same definitions in two ways:

    twin_suite.py plain   each measure by the libraries' own functions, as one writes it who knows them (plain/)
    twin_suite.py tuned   the fastest ways known that are correct, most of them those of the other side, ported (twin_*.py)

Reads lines {"file", "previous", "families", "layer"} on standard input and answers with the seconds of each family, in the order asked for,
and the values; with "layers" instead of "layer", with the seconds of all of them together. Work that measures share is done once, by the first
that needs it, as on the other side. Uses the threads that OPENBLAS_NUM_THREADS and its like give it. Python 3.9 or newer, NumPy >= 1.22,
SciPy >= 1.8, scikit-learn >= 1.1.
"""

import json
import pathlib
import resource
import sys
import time
import warnings
from functools import lru_cache

import numpy as np
import scipy
import sklearn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
from twin_common import Probe, prepare

SIDE = sys.argv[1]
if SIDE == "plain":
    from plain import clusters, geometry, heads, spectrum
    from plain.part import Part
else:
    import twin_clusters as clusters
    import twin_geometry as geometry
    import twin_heads as heads
    import twin_spectrum as spectrum
    from twin_part import Part

SEED, REPLICATES = 0, 200
FAMILIES = {
    **{name: getattr(spectrum, name) for name in ("alignment", "coding_rate", "feature_std", "self_cluster", "rankme", "stable_rank", "alpha_req", "nesum")},
    **{name: getattr(spectrum, name) for name in ("pseudo_condition", "coherence", "lidar")},
    **{name: getattr(geometry, name) for name in ("uniformity", "twonn", "mst", "embedding_entropy", "clid", "unit_mem", "cka_prev", "cka_last")},
    **{name: getattr(clusters, name) for name in ("silhouette", "cluster_balance", "cluster_ami_seeds", "cluster_ami_pca", "cluster_ami_prev")},
    **{name: getattr(heads, name) for name in ("knn", "linear_probe", "random_label")},
}
GAPS = ("alignment", "coding_rate", "crr", "random_label")


def read(file, previous, name, known_deepest=None):
    """The parts of a layer, with those that they are compared with."""
    probe = Probe(file)
    parts, before = probe.parts(name, Part), Probe(previous).parts(name, Part)
    last = probe.layers[-1]
    deepest = [None, None] if last == name else known_deepest or probe.parts(last, Part)
    for part, earlier, deep in zip(parts, before, deepest):
        part.previous, part.deepest, part.train = earlier, deep, parts[0]
    return parts, deepest


@lru_cache(maxsize=4)
def resamples(samples, number):
    """[replicates, samples] how often each sample is drawn; the same for all measures of a part."""
    draws = np.random.default_rng((SEED, number)).integers(0, samples, (REPLICATES, samples))
    return np.apply_along_axis(np.bincount, 1, draws, minlength=samples).astype(np.float64)


def intervals(found):
    """Standard error and 95 % interval of every value that is a mean over samples, and of the gaps."""
    replicates = []
    for number, metrics in enumerate(found):
        forms = {metric: form for metric, (_, form) in metrics.items() if form is not None}
        if not forms:
            return None
        offset, factor, numerator, denominator = (np.array(one) for one in zip(*forms.values()))
        counts = resamples(numerator.shape[1], number)
        values = offset + factor * (counts @ numerator.T) / (counts @ denominator.T)
        replicates.append(dict(zip(forms, values.T)))
    train, held_out = replicates
    gaps = [train[metric] - held_out[metric] for metric in train if metric.startswith(GAPS)]
    table = np.array([*train.values(), *held_out.values(), *gaps])
    return table.std(axis=1, ddof=1), np.percentile(table, [2.5, 97.5], axis=1)


def measure(request):
    start, cpu = time.perf_counter(), time.process_time()
    parts, _ = read(request["file"], request["previous"], request["layer"])
    reading = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    for part in parts:
        prepare(part)
    families, found = {}, [{}, {}]

    def timed(name, compute):
        begin, cpu = time.perf_counter(), time.process_time()
        compute()
        families[name] = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}

    for family in request["families"]:
        timed(family, lambda: [own.update(FAMILIES[family](part)) for part, own in zip(parts, found)])
    timed("intervals", lambda: intervals(found))
    values = {f"{metric} {name}": float(value) for own, name in zip(found, ("train", "held_out")) for metric, (value, _) in own.items()}
    resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"reading": reading, "families": families, "values": values, "maxResidentBytes": resident}


def measure_file(request):
    """The deepest layer is read and prepared once for all that are compared with it."""
    start = time.perf_counter()
    deepest = None
    for layer in request["layers"]:
        parts, own = read(request["file"], request["previous"], layer, deepest)
        deepest = own if own[0] is not None else deepest
        for part in parts:
            prepare(part)
        found = [{}, {}]
        for family in request["families"]:
            for part, metrics in zip(parts, found):
                metrics.update(FAMILIES[family](part))
        intervals(found)
    return {"seconds": time.perf_counter() - start}


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
        print(json.dumps(measure_file(request) if "layers" in request else measure(request)), flush=True)


if __name__ == "__main__":
    main()
