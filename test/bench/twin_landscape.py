"""The PyTorch side of `npm run bench -- landscape`: answers JSON lines on standard input.

    {"make": FOLDER, "count": N}   -> {"torch": VERSION}, a checkpoint and images written
    {"grid": N}                    -> {"seconds": S, "processor": S of all threads, "points": N, "maxResidentBytes": N}
"""

import json
import os
import pathlib
import resource
import sys
import time

import numpy as np
import torch

from masked_autoencoder import MaskedAutoencoder

torch.set_num_threads(int(os.environ["BENCH_THREADS"]))
SIDE = 64
TABLES = ("pos_embed", "decoder_pos_embed", "cls_token", "mask_token")


def normalised(values, generator):
    """Gaussian, each slice along axis 0 as long as that of the model (Li et al. 2018)."""
    noise = torch.randn(values.shape, generator=generator)
    scale = values.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
    return noise * scale.reshape(-1, *[1] * (values.dim() - 1))


def directions(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    moving = {name: values for name, values in model.named_parameters() if values.dim() >= 2 and name.rsplit(".", 1)[-1] not in TABLES}
    first, second = ({name: normalised(values, generator) for name, values in moving.items()} for _ in range(2))
    inner = lambda a, b: sum(float((a[name] * b[name]).sum()) for name in a)
    share = inner(first, second) / inner(first, first)
    return first, {name: values - share * first[name] for name, values in second.items()}


torch.manual_seed(0)
model = MaskedAutoencoder().eval()
pictures = hidden = None

for line in sys.stdin:
    request = json.loads(line)
    with torch.no_grad():
        if "make" in request:
            folder, count = pathlib.Path(request["make"]), request["count"]
            pictures = torch.from_numpy(np.sin(0.37 * np.arange(count * 3 * SIDE * SIDE)).astype(np.float32)).reshape(count, 3, SIDE, SIDE)
            hidden = torch.rand(count, model.patches)
            torch.save({"model": model.state_dict()}, folder / "mae-surface.pth")
            np.save(folder / "surface-images.npy", pictures.numpy())
            answer = {"torch": torch.__version__}
        else:
            started, used = time.perf_counter(), time.process_time()
            first, second = directions(model)
            parameters = dict(model.named_parameters())
            origin = {name: parameters[name].clone() for name in first}
            losses = []
            for b in np.linspace(-1, 1, request["grid"]):
                for a in np.linspace(-1, 1, request["grid"]):
                    for name, start in origin.items():
                        parameters[name].data.copy_(start).add_(first[name], alpha=a).add_(second[name], alpha=b)
                    losses.append(float(model(pictures, hidden)))
            for name, start in origin.items():
                parameters[name].data.copy_(start)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            answer = {"seconds": time.perf_counter() - started, "processor": time.process_time() - used, "points": len(losses), "maxResidentBytes": peak}
    print(json.dumps(answer), flush=True)
