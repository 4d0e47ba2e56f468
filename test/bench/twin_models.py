"""The PyTorch side of `npm run bench -- models`: answers JSON lines on standard input.

    {"make": FOLDER}                          -> {"ready": true}, checkpoints written
    {"features": [COUNT, SIDE], "batch": N}   -> {"seconds": S, "processor": S of all threads, "sums": {layer: sum of absolute values}}
    {"loss": [COUNT, SIDE]}                   -> {"seconds": S, "processor": S, "loss": mean}
"""

import json
import os
import pathlib
import sys
import time

import numpy as np
import torch
import torchvision

from masked_autoencoder import MaskedAutoencoder

torch.set_num_threads(int(os.environ["BENCH_THREADS"]))


def images(count, side):
    return torch.from_numpy(np.sin(0.37 * np.arange(count * 3 * side * side)).astype(np.float32)).reshape(count, 3, side, side)


def noise(count, patches):
    return torch.from_numpy((np.arange(1, count * patches + 1) * 0.6180339887498949 % 1).astype(np.float32)).reshape(count, patches)


torch.manual_seed(0)
residual = torchvision.models.resnet50().eval()
masked = MaskedAutoencoder().eval()
kept = {}
for stage in range(1, 5):
    for number, block in enumerate(getattr(residual, f"layer{stage}")):
        block.register_forward_hook(lambda _m, _i, output, name=f"layer{stage}.{number}": kept.setdefault(name, []).append(output.mean(dim=(2, 3))))

for line in sys.stdin:
    request = json.loads(line)
    with torch.no_grad():
        if "make" in request:
            torch.save({"state_dict": residual.state_dict()}, pathlib.Path(request["make"]) / "resnet50.pth")
            torch.save({"model": masked.state_dict()}, pathlib.Path(request["make"]) / "mae-tiny.pth")
            answer = {"ready": True, "torch": torch.__version__}
        elif "features" in request:
            count, side = request["features"]
            pictures = images(count, side)
            kept.clear()
            started, used = time.perf_counter(), time.process_time()
            for start in range(0, count, request["batch"]):
                residual(pictures[start : start + request["batch"]])
            seconds = time.perf_counter() - started
            answer = {"seconds": seconds, "processor": time.process_time() - used, "sums": {name: float(torch.cat(parts).double().abs().sum()) for name, parts in kept.items()}}
        else:
            count, side = request["loss"]
            pictures, hidden = images(count, side), noise(count, masked.patches)
            started, used = time.perf_counter(), time.process_time()
            loss = float(masked(pictures, hidden))
            answer = {"seconds": time.perf_counter() - started, "processor": time.process_time() - used, "loss": loss}
    print(json.dumps(answer), flush=True)
