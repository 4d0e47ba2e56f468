"""The Python side of `npm run bench -- checkpoints`: writes the files with the libraries' own writers and lists them with the libraries' own readers.

    twin_checkpoints.py has              which libraries there are, as JSON
    twin_checkpoints.py write SHAPES OUT  SHAPES: JSON file {name: shape}; OUT ends in .pt or .safetensors
    twin_checkpoints.py list FILE         what listing took, as JSON; importing the libraries does not count
"""
import importlib.metadata as metadata
import json
import resource
import sys
import time


def has():
    found = {}
    for name in ("torch", "safetensors", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            try:
                found[name] = __import__(name).__version__
            except ImportError:
                pass
    return found


def write(shapes, out):
    with open(shapes, encoding="utf-8") as f:
        shapes = json.load(f)
    if out.endswith(".pt"):
        import torch
        torch.save({"model": {name: torch.zeros(shape) for name, shape in shapes.items()}, "epoch": 3}, out)
    else:
        import numpy
        from safetensors.numpy import save_file
        save_file({name: numpy.zeros(shape, numpy.float32) for name, shape in shapes.items()}, out)


def list_tensors(path):
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if path.endswith(".pt"):
        import inspect
        import torch
        mapped = "mmap" in inspect.signature(torch.load).parameters
        options = {"mmap": True, "weights_only": True} if mapped else {}
        before = peak()
        started = time.perf_counter()
        tensors = [(name, tuple(t.shape), t.dtype) for name, t in torch.load(path, map_location="cpu", **options)["model"].items()]
        how = "torch.load(mmap=True)" if mapped else "torch.load"
    else:
        from safetensors import safe_open
        before = peak()
        started = time.perf_counter()
        with safe_open(path, "numpy") as f:
            tensors = [(name, f.get_slice(name).get_shape(), f.get_slice(name).get_dtype()) for name in f.keys()]
        how = "safe_open"
    milliseconds = 1000 * (time.perf_counter() - started)
    print(json.dumps({"milliseconds": milliseconds, "memory": peak() - before, "tensors": len(tensors), "how": how}))


if sys.argv[1] == "has":
    print(json.dumps(has()))
elif sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3])
else:
    list_tensors(sys.argv[2])
