"""Writes the labelled inputs and the reference values of the measures with labels: python3 test/golden/make_labels.py

Needs NumPy and scikit-learn (written with 1.24.2 and 1.2.1). Neighbours are sought by sorting all similarities in float64 and voted row by row;
scikit-learn's classifier has to agree. The linear probe is scikit-learn's logistic regression, minimized to a gradient of 1e-10.
"""

import json
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from make_golden import DATA, DTYPES, HERE, SAMPLE, probe, read_safetensors, write_safetensors
from random_hash import hash64

SEED, NEIGHBOURS, TEMPERATURE, REPETITIONS, FOLDS = 0, 20, 0.07, 5, 4
SHARES = (1 / 8, 1 / 4, 1 / 2)
STRENGTHS = (1, 0.1, 0.01, 0.001, 0.0001)
LABEL_ORDER, VALIDATION = 8, 9


def by_sample_id(x, ids, labels, split, part):
    """Rows of the labelled samples of a part, samples ascending by id, views in the order of the file."""
    chosen = np.flatnonzero((split == part) & (labels >= 0))
    chosen = chosen[np.argsort(ids[chosen], kind="stable")]
    return x[chosen].astype(np.float64), ids[chosen], labels[chosen]


def vote(similarities, labels):
    order = np.lexsort((np.arange(len(similarities)), -np.round(similarities * 2**36)))[:NEIGHBOURS]
    weights = np.exp((similarities[order] - similarities[order[0]]) / TEMPERATURE)
    classes = np.unique(labels[order])
    totals = np.array([weights[labels[order] == one].sum() for one in classes])
    return classes[totals >= totals.max() * (1 - 1e-9)].min()


def knn_right(queries, bank, joined, leave_out):
    """Whether each query row is classified right by the bank rows of the samples in `joined`."""
    (x, ids, labels), (bank_x, bank_ids, bank_labels) = queries, bank
    similarities = x @ bank_x.T
    right = []
    for row in range(len(x)):
        use = np.isin(bank_ids, list(joined)) & ((bank_ids != ids[row]) if leave_out else True)
        right.append(bool(use.any()) and vote(similarities[row][use], bank_labels[use]) == labels[row])
    return np.array(right)


def check_against_scikit_learn(queries, bank, right):
    weights = lambda distances: np.exp((1 - distances) / TEMPERATURE)
    model = KNeighborsClassifier(NEIGHBOURS, metric="cosine", weights=weights, algorithm="brute").fit(bank[0], bank[2])
    assert np.array_equal(model.predict(queries[0]) == queries[2], right)


def learning_curve(queries, bank, leave_out, whole):
    ids = np.unique(bank[1])
    sizes = [int(np.floor(share * len(ids) + 0.5)) for share in SHARES]
    doublings = np.log2(sizes + [len(ids)])
    curves = []
    for repetition in range(REPETITIONS):
        order = sorted(ids.tolist(), key=lambda one: hash64(LABEL_ORDER, SEED, repetition, one))
        curves.append([float(knn_right(queries, bank, set(order[:size]), leave_out).mean()) for size in sizes] + [whole])
    slopes = [float(np.polyfit(doublings, curve, 1)[0]) for curve in curves]
    return {"value": float(np.mean(slopes)), "slopes": slopes, "curve": np.mean(curves, axis=0).tolist()}


def regression(x, labels, strength):
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    kept = deviation > 0
    scale = lambda rows: (rows[:, kept] - mean[kept]) / deviation[kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=1 / (strength * len(x)), tol=1e-10, max_iter=100000).fit(scale(x), labels)
    return lambda rows: model.predict(scale(rows))


def linear_probe(train):
    x, ids, labels = train
    fold, dealt = {}, 0
    for label in np.unique(labels):
        for one in sorted(np.unique(ids[labels == label]).tolist(), key=lambda one: hash64(VALIDATION, SEED, one)):
            fold[one], dealt = dealt % FOLDS, dealt + 1
    folds = np.array([fold[one] for one in ids.tolist()])
    right = {strength: 0 for strength in STRENGTHS}
    for held in range(FOLDS):
        for strength in STRENGTHS:
            predict = regression(x[folds != held], labels[folds != held], strength)
            right[strength] += (predict(x[folds == held]) == labels[folds == held]).sum()
    accuracies = [float(right[strength] / len(x)) for strength in STRENGTHS]
    enough = max(accuracies) - 0.01
    chosen = next(one for one, accuracy in enumerate(accuracies) if accuracy >= enough)
    # A choice that hangs on a row or two would test nothing but rounding.
    assert min(abs(accuracy - enough) for accuracy in accuracies) * len(x) > 1.5, accuracies
    return {"l2": STRENGTHS[chosen], "validationAccuracy": accuracies[chosen]}, regression(x, labels, STRENGTHS[chosen])


def expected(x, ids, labels, split):
    train = by_sample_id(x, ids, labels, split, 0)
    choice, predict = linear_probe(train)
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    bank = (unit(train[0]), *train[1:])
    parts = {"choice": choice}
    for name, number in (("train", 0), ("held_out", 1)):
        rows, row_ids, row_labels = by_sample_id(x, ids, labels, split, number)
        queries = (unit(rows), row_ids, row_labels)
        right = knn_right(queries, bank, np.unique(bank[1]), number == 0)
        if number == 1:
            check_against_scikit_learn(queries, bank, right)
        parts[name] = {
            "knn_accuracy": float(right.mean()),
            "label_budget": learning_curve(queries, bank, number == 0, float(right.mean())),
            "linear_probe_accuracy": float((predict(rows) == row_labels).mean()),
        }
    return parts


def digits():
    """Half of the views of the last probe of a sample run, kept so that a new recording does not move the reference; a quarter of the labels hidden."""
    tensors = read_safetensors(sorted((SAMPLE / "simclr-digits-memorizing" / "probes").glob("*.safetensors"))[-1])
    ids, seen, kept = tensors["sample_id"], {}, []
    for row, one in enumerate(ids):
        seen[one] = seen.get(one, 0) + 1
        if seen[one] % 2 == 1:
            kept.append(row)
    labels = np.where(ids % 4 == 3, -1, tensors["label"])
    rows = {name: tensors[name][kept] for name in ("block5", "projector")}
    return {"sample_id": ("I32", ids[kept]), "split": ("I32", tensors["split"][kept]), "label": ("I32", labels[kept]), **{name: ("F16", x) for name, x in rows.items()}}


def overlapping_classes():
    """Four classes of 96 samples whose clouds overlap, four views each, the held-out part with a fifth class that training does not have."""
    random = np.random.default_rng(7)
    ids, split = probe(96, 4, 40)
    sample = np.repeat(np.arange(96), 4)
    labels = np.where((sample >= 92), 4, sample % 4)
    centers = random.standard_normal((5, 40))
    x = 0.55 * centers[labels] + np.repeat(random.standard_normal((96, 40)), 4, axis=0) + 0.5 * random.standard_normal((384, 40))
    return {"sample_id": ("I32", ids), "split": ("I32", split), "label": ("I32", 10 * labels + 3), "features": ("F32", x.astype(DTYPES["F32"]))}


def main():
    values = {}
    for name, make, layers in (("digits_labelled", digits, ("block5", "projector")), ("overlapping_classes", overlapping_classes, ("features",))):
        path = DATA / f"{name}.safetensors"
        if not path.exists():
            write_safetensors(path, make())
        tensors = read_safetensors(path)
        for layer in layers:
            values[f"{name} {layer}"] = expected(tensors[layer], tensors["sample_id"], tensors["label"], tensors["split"])
    (HERE / "labels.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
