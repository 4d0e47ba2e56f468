"""Runs as they are on disk: settings, log, what Layerscope measured and found."""

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple


class Run(NamedTuple):
    name: str
    config: dict
    layers: List[str]
    """Shallow to deep."""
    steps: List[int]
    accuracy: Dict[Tuple[int, str], float]
    """By step and layer: held-out accuracy of the linear probe with 2,000 labels."""
    records: Dict[Tuple[str, str, int, str], dict]
    """By metric, split, step and layer."""
    findings: List[dict]
    seconds: Optional[float]
    """From the first step to the last."""

    @property
    def representation(self) -> str:
        return representation(self.layers)

    @property
    def deepest(self) -> str:
        return self.layers[-1]

    @property
    def last(self) -> int:
        return self.steps[-1]

    @property
    def base(self) -> str:
        """Name of the run without an intervention."""
        return f"{self.config['method']}-{self.config['setting']}-{self.config['seed']}"

    @property
    def treatment(self) -> Optional[str]:
        """None for a plain run."""
        return self.name[len(self.base) + 1 :] or None

    def value(self, metric: str, split: str, step: int, layer: str) -> Optional[float]:
        record = self.records.get((metric, split, step, layer))
        return None if record is None else record["value"]


def representation(layers: Sequence[str]) -> str:
    """The layer whose output is used after pretraining: the last one, or the one before the projector."""
    return layers[-2] if layers[-1] == "projector" else layers[-1]


def load_run(folder: Path) -> Run:
    accuracy = {}
    for line in (folder / "log.txt").read_text().splitlines():
        entry = json.loads(line)
        for key, value in entry.items():
            if key.startswith("linear_probe/"):
                accuracy[entry["step"], key[len("linear_probe/") :]] = value
    measured = json.loads((folder / "measure.json").read_text())["records"]
    layers = [layer for _, layer in sorted({(record["layerIndex"], record["layer"]) for record in measured})]
    records = {(record["metric"], record["split"], record["step"], record["layer"]): record for record in measured}
    findings = json.loads((folder / "diagnose.json").read_text())["findings"]
    config = json.loads((folder / "config.json").read_text())
    return Run(folder.name, config, layers, sorted({step for step, _ in accuracy}), accuracy, records, findings, seconds_of(folder))


def seconds_of(folder: Path) -> Optional[float]:
    """What training printed beside its last recorded step."""
    output = folder.with_name(f"{folder.name}.out")
    times = [line.split(" s ")[0] for line in output.read_text().splitlines() if " s  {" in line] if output.exists() else []
    return float(times[-1]) if times else None
