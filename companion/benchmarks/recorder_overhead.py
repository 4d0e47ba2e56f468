#!/usr/bin/env python3
"""What recording costs a real training: SimCLR of ../examples on scikit-learn's digits, with and without a recorder, in turns.

    PYTHONPATH=../src python3 recorder_overhead.py

Prints for each turn the processor seconds of training with and without recording (which other work on the machine changes less than those of
the clock), and at the end the medians, the share of recording by the recorder's own clock, and whether both trainings ended with the same
weights, bit for bit.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from digits_augmentation import STRENGTHS, augment  # noqa: E402
from digits_data import load_digits_split  # noqa: E402
from simclr_model import SimclrModel, nt_xent_loss  # noqa: E402

from layerscope import Recorder  # noqa: E402

SIZE = 16


def train(options, data, folder=None):
    """One training; gives its processor seconds, the recorder's overhead (None without a folder) and the final weights."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    strength = STRENGTHS["strong"]
    model = SimclrModel(options.block_widths, 128, 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images = data.images[data.train_ids]
    began = time.process_time()
    recorder = None
    if folder is not None:
        def view(image):
            return augment(image.unsqueeze(0), SIZE, strength, torch.default_generator)[0]

        recorder = Recorder(model, train=images, held_out=data.images[data.held_out_ids], folder=folder, views=8, samples=options.samples,
                            augmentation=view, layers=["blocks.*", "projector"], schedule=options.every, total=options.epochs)
        recorder.record_when_due(epoch=0)
    for epoch in range(options.epochs):
        model.train()
        for batch in torch.randperm(len(images), generator=generator).split(options.batch_size):
            views = torch.cat([augment(images[batch], SIZE, strength, generator) for _ in range(2)])
            loss = nt_xent_loss(*model(views).chunk(2), 0.2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if recorder is not None:
            recorder.record_when_due(epoch=epoch + 1)
    seconds = time.process_time() - began
    return seconds, recorder.overhead if recorder else None, [values.clone() for values in model.state_dict().values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--train-images", type=int, default=960)
    parser.add_argument("--batch-size", type=int, default=120)
    parser.add_argument("--samples", type=int, default=64, help="probe samples of each part, 8 views each (default: 64)")
    parser.add_argument("--every", type=int, default=None, help="regular distance of recordings in epochs (default: the recorder's)")
    parser.add_argument("--block-widths", type=lambda text: [int(part) for part in text.split(",")], default=[16, 16, 16, 32, 32, 64])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = load_digits_split(options.train_images, 160, 0)
    train(argparse.Namespace(**{**vars(options), "epochs": 1}), data)
    plain, recorded, shares, equal = [], [], [], True
    for turn in range(options.turns):
        without, _, weights = train(options, data)
        with tempfile.TemporaryDirectory() as folder:
            with_recorder, share, others = train(options, data, folder)
            files = len(list((Path(folder) / "probes").iterdir()))
        equal &= all(torch.equal(a, b) for a, b in zip(weights, others))
        plain.append(without), recorded.append(with_recorder), shares.append(share)
        print(f"turn {turn + 1}: {without:.2f} s without, {with_recorder:.2f} s with {files} recordings, {100 * share:.2f} % by its own clock", flush=True)
    difference = statistics.median(recorded) / statistics.median(plain) - 1
    print(f"medians: {100 * difference:+.2f} % processor time, {100 * statistics.median(shares):.2f} % by the recorder's; weights {'equal' if equal else 'DIFFER'}")


if __name__ == "__main__":
    main()
