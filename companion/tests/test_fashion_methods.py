"""The eight methods of examples/fashion. In a process of their own: their modules are named like some of these tests'."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples/fashion"

TRAIN_EVERY_METHOD = """
import torch
from methods import METHODS

torch.set_num_threads(1)
for name, make in METHODS.items():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    method = make()
    images, labels = torch.rand(20, 1, 28, 28, generator=generator), torch.arange(20) % 10
    parameters = [each for module in method.modules() for each in module.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    teacher = getattr(method, "teacher", None)
    frozen = [each.clone() for each in teacher.parameters()] if teacher is not None else []
    losses = []
    for step in range(15):
        # Views that hardly differ: every one of these tasks can be learned.
        loss = method.loss(lambda: images + 0.01 * torch.randn(images.shape, generator=generator), images, labels, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        method.after_step(step / 15)
        losses.append(float(loss))
    without = [place for place, each in enumerate(parameters) if each.grad is None]
    moved = any(not torch.equal(old, new) for old, new in zip(frozen, teacher.parameters())) if teacher is not None else ""
    trained = any(each.requires_grad for each in teacher.parameters()) if teacher is not None else ""
    known = set(dict(method.network.named_modules()))
    beside = sorted(set(method.state()) - set(method.network.state_dict()))
    print(name, sum(losses[-3:]) < sum(losses[:3]), without, moved, trained, set(method.layers) <= known, beside, sep="|")
"""


def test_every_method_learns_reaches_all_its_weights_and_moves_its_teacher_only_by_averaging():
    finished = subprocess.run([sys.executable, "-c", TRAIN_EVERY_METHOD], cwd=FOLDER, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    lines = {line.split("|")[0]: line.split("|")[1:] for line in finished.stdout.splitlines()}
    assert list(lines) == ["simclr", "moco-v2", "byol", "simsiam", "vicreg", "mae", "rc-mae", "supervised-vit"]
    for name, (learned, without, moved, trained, layers_known, beside) in lines.items():
        assert (without, layers_known) == ("[]", "True"), name
        # The classifier is saved with the transformer, for its loss.
        assert beside == ("['head.bias', 'head.weight']" if name == "supervised-vit" else "[]"), name
        # MoCo's queue starts with noise, which is told apart more easily than the keys that take its place.
        assert learned == "True" or name == "moco-v2", name
        assert (moved, trained) == (("True", "False") if name in ("moco-v2", "byol", "rc-mae") else ("", "")), name


def test_the_planned_runs_have_the_names_that_the_tables_expect():
    words = "import run_all; from pathlib import Path; print(*run_all.training_commands(), *run_all.fine_tuning_commands(Path('runs')), sep='\\n')"
    environment = {"PYTHONPATH": str(FOLDER.parents[1] / "src"), "PATH": ""}
    finished = subprocess.run([sys.executable, "-c", words], cwd=FOLDER, capture_output=True, text=True, env=environment)
    assert finished.returncode == 0, finished.stderr
    names = finished.stdout.split()
    assert len(names) == len(set(names)) == 8 * 2 * 2 + 2 * (2 + 4) + 2 * 2 * 2
    assert {"mae-healthy-1", "supervised-vit-memorizing-0-dropout", "vicreg-memorizing-1-umm", "simclr-memorizing-0-continue"} <= set(names)
    assert "mae-memorizing-0-dropout" not in names
