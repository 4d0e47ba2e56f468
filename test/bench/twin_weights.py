"""What WeightWatcher needs for the same layers. Started by weights.mjs: answers each line of JSON with one."""

import contextlib
import json
import logging
import os
import resource
import sys
import time

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402
import weightwatcher  # noqa: E402
from safetensors import safe_open  # noqa: E402

logging.disable(logging.CRITICAL)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def analyze(weights, **options):
    start, used = time.perf_counter(), cpu()
    with contextlib.redirect_stdout(sys.stderr):
        details = weightwatcher.WeightWatcher(model=weights).analyze(min_evals=50, savefig=False, plot=False, **options)
    return {"seconds": time.perf_counter() - start, "cpu": cpu() - used}, details


print(f"WeightWatcher {weightwatcher.__version__}, PyTorch {torch.__version__}", file=out)
for line in sys.stdin:
    request = json.loads(line)
    with safe_open(request["file"], framework="pt") as file:
        weights = {f"{layer}.weight": file.get_tensor(f"{layer}.weight") for layer in request["layers"]}
    default, _ = analyze(weights)
    same, details = analyze(weights, mp_fit=True)
    columns = ["alpha", "xmin", "alpha_weighted", "log_alpha_norm", "stable_rank", "entropy", "mp_softrank", "num_spikes"]
    values = {row["longname"]: {name: float(row[name]) for name in columns} for _, row in details.iterrows()}
    print(json.dumps({"default": default, "same": same, "values": values}), file=out)
