"""Loss landscapes around the last checkpoints of the transformers, from Layerscope's command line, kept as JSON lines.

The first line holds what all have in common (`common`), then one line a surface:

    {"kind": "surface", "method", "setting", "seed", "loss", "part", "directions", "origin", "minimum": [x, y, loss], "flatness": {...}, "points": [...] or absent}

`part`: the images that the loss is the mean of, some that the memorizing run was trained on (`train`) or others (`held_out`); `directions`: seed of the
directions and of the masks; `points`: the losses row by row, of the surfaces that are drawn. Of one run there are also
{"kind": "trajectory", ..., "x", "y", "points", "checkpoints": [{"step", "x", "y", "loss"}], "share"} and {"kind": "line", ..., "x", "points"}.
"""

import json
import re
from itertools import product
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from settings import PIXEL_DEVIATION, PIXEL_MEAN, SETTINGS

METHODS_OF_LOSS: Dict[str, Sequence[str]] = {"mae": ("mae", "rc-mae"), "cross_entropy": ("supervised-vit",), "rc_mae": ("rc-mae",)}
"""Losses, and the methods whose checkpoints have them; methods of one loss are computed together."""
PARTS = ("train", "held_out")
DIRECTIONS = (0, 1, 2)
GRID, RANGE = 21, 1.0
IMAGES = 60
DRAWN_SEED, DRAWN_DIRECTIONS = 0, 0
EXAMPLE = ("mae", "memorizing", 0)
"""The run whose training is followed; the line goes from this step to the last."""
LINE_FROM, LINE_POINTS = 150, 41

Layerscope = Callable[..., bytes]


class Task(NamedTuple):
    loss: str
    seed: int
    part: str
    directions: int

    @property
    def runs(self) -> List[str]:
        return [f"{method}-{setting}-{self.seed}" for method in METHODS_OF_LOSS[self.loss] for setting in SETTINGS]


def planned_tasks(seeds: Sequence[int]) -> List[Task]:
    return [Task(loss, seed, part, directions) for loss, directions, seed, part in product(METHODS_OF_LOSS, DIRECTIONS, seeds, PARTS)]


def compute_landscapes(runs: Path, seeds: Sequence[int], images: Dict[Tuple[str, int], Path], layerscope: Layerscope, results: Path) -> None:
    """Goes on where it was stopped: the command keeps every point beside its run. Runs that are not trained yet are left out. `images` by part and seed."""
    def ask(targets: Sequence[str], loss: str, part: str, seed: int, *options: str) -> List[dict]:
        print(f"landscape: {loss}, {part} images of seed {seed}, {' '.join(Path(each).name for each in targets)} {' '.join(options)}", flush=True)
        words = ["landscape", *targets, "--data", str(images[part, seed]), "--images", str(IMAGES), "--mean", str(PIXEL_MEAN), "--std", str(PIXEL_DEVIATION)]
        words += ["--loss", loss, "--heads", "4", "--threads", "1"]
        words += [] if loss == "cross_entropy" else ["--decoder-heads", "4", "--norm-pix"]
        return json.loads(layerscope(*words, *options))["surfaces"]

    lines: List[dict] = [{"kind": "common", "grid": GRID, "range": RANGE, "images": IMAGES, "seeds": list(seeds), "line_from": LINE_FROM}]
    for task in planned_tasks(seeds):
        names = [name for name in task.runs if (runs / name / "done").exists()]
        if names:
            found = ask([str(runs / name) for name in names], task.loss, task.part, task.seed, "--grid", str(GRID), "--range", str(RANGE), "--seed", str(task.directions))
            lines += [surface_line(task, name, surface) for name, surface in zip(names, found)]
    lines += example_lines(runs, ask)
    if len(lines) > 1:
        write_lines(lines, results / "landscapes.jsonl")


def example_lines(runs: Path, ask: Callable[..., List[dict]]) -> Iterator[dict]:
    method, setting, seed = EXAMPLE
    folder = runs / f"{method}-{setting}-{seed}"
    if not (folder / "done").exists():
        return
    loss = next(iter(METHODS_OF_LOSS))
    last = max((folder / "checkpoints").glob("*.pt"))
    first = folder / "checkpoints" / f"step={LINE_FROM:08d}.pt"
    head = {"method": method, "setting": setting, "seed": seed, "loss": loss}
    for part in PARTS:
        (plane,) = ask([str(folder)], loss, part, seed, "--trajectory", "--grid", str(GRID), "--seed", str(DRAWN_DIRECTIONS))
        checkpoints = [{"step": point["step"], **{key: rounded(point[key]) for key in ("x", "y", "loss")}} for point in plane["trajectory"]]
        axes = {axis: [rounded(value) for value in plane[axis]] for axis in ("x", "y")}
        yield {"kind": "trajectory", **head, "part": part, **axes, "points": [rounded(value) for value in plane["loss"]], "checkpoints": checkpoints, "share": share_of(plane["warnings"])}
    for part in PARTS:
        (line,) = ask([str(first), str(last)], loss, part, seed, "--line", "--grid", str(LINE_POINTS), "--seed", str(DRAWN_DIRECTIONS))
        yield {"kind": "line", **head, "part": part, "x": [rounded(value) for value in line["x"]], "points": [rounded(value) for value in line["loss"]]}


def surface_line(task: Task, name: str, surface: dict) -> dict:
    method, setting, seed = re.fullmatch(r"(.+)-([a-z]+)-(\d+)", name).groups()
    points = surface["loss"]
    line = {
        "kind": "surface", "method": method, "setting": setting, "seed": int(seed), "loss": task.loss, "part": task.part, "directions": task.directions,
        "origin": rounded(points[len(points) // 2]), "minimum": [rounded(surface["minimum"][key]) for key in ("x", "y", "loss")],
        "flatness": {key: rounded(value, 6) for key, value in surface["flatness"].items()},
        "open": open_rays(surface["warnings"]),
    }
    if (task.seed, task.directions) == (DRAWN_SEED, DRAWN_DIRECTIONS):
        line["points"] = [rounded(value) for value in points]
    return line


def share_of(warnings: Sequence[str]) -> Optional[int]:
    """How much of the differences of the checkpoints lies in the plane, in percent."""
    found = [re.match(r"The plane holds (\d+) %", warning) for warning in warnings]
    return next((int(match.group(1)) for match in found if match), None)


def open_rays(warnings: Sequence[str]) -> int:
    """Of the 64 rays, along how many the loss did not rise by 10 % within the range."""
    found = [re.match(r"Along (\d+) of ", warning) for warning in warnings]
    return next((int(match.group(1)) for match in found if match), 0)


def rounded(value: Optional[float], digits: int = 9) -> Optional[float]:
    """Nine digits tell all numbers of float32 apart."""
    return None if value is None else float(f"{value:.{digits}g}")


def write_lines(lines: Sequence[dict], path: Path) -> None:
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def read_lines(path: Path) -> List[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
