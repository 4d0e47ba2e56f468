#!/usr/bin/env python3
"""Undoes memorization in a pre-trained model: UMM fine-tunes its late layers (arXiv 2410.00772), with probes recorded on the way.

As it stands it runs on Layerscope's example, SimCLR on handwritten digits, which it pre-trains first (half a minute; --pretrain-epochs).
Put your own model, data and loss into part 1 and keep part 2; layers are named as in model.named_modules().

    python finetune_umm.py runs/umm
    python finetune_umm.py runs/umm --checkpoint pretrained.pt --split blocks.2 --last projector --trials 8

    RUN/log.txt              one JSON object a step: the SSL loss, the divergence JS of the inner problem, the coding rate reduction dR
    RUN/probes/*             features of all layers, for Layerscope
    RUN/checkpoints/umm.pt   {"model": state_dict, "step", "umm": settings}
    RUN/umm.json             what the tuner tried, with --trials
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from layerscope import Recorder, umm, umm_tuner

# ---- 1. Your training: model, samples and loss. This is the example's. ---------------------------------------------------------------

EXAMPLE = Path(__file__).resolve().parents[1] / "examples"
sys.path.insert(0, str(EXAMPLE))
try:
    from digits_augmentation import STRENGTHS, augment, fixed_views
    from digits_data import load_digits_split
    from simclr_model import SimclrModel, nt_xent_loss, settle_batch_statistics
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing}: part 1 of {__file__} uses Layerscope's example in {EXAMPLE} and scikit-learn; put your own training there.")

IMAGE_SIZE, BATCH_SIZE, STRENGTH = 16, 80, STRENGTHS["weak"]
SPLIT, LAST = "blocks.2", "projector"  # the last frozen layer, and the layer whose dR is maximized


class Pairs:
    """Batches (first views, second views) of the same images; every pass draws new ones."""

    def __init__(self, images, seed):
        self.images, self.generator = images, torch.Generator().manual_seed(seed)

    def __iter__(self):
        for rows in torch.randperm(len(self.images), generator=self.generator).split(BATCH_SIZE):
            yield tuple(augment(self.images[rows], IMAGE_SIZE, STRENGTH, self.generator) for _ in range(2))


def ssl_loss(model, batch):
    """One call of the model: all samples of the first view, then all of the second."""
    first, second = model(torch.cat(batch)).chunk(2)
    return nt_xent_loss(first, second, temperature=0.2)


def make_model():
    return SimclrModel([6, 6, 6, 8, 8, 10], projector_hidden=128, projector_width=12)


def pretrain(model, pairs, epochs):
    settle_batch_statistics(model, torch.cat(next(iter(pairs))))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(epochs):
        for batch in pairs:
            loss = ssl_loss(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# ---- 2. UMM -----------------------------------------------------------------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run, which must not hold one yet")
    parser.add_argument("--checkpoint", type=Path, help='pre-trained weights, a state_dict or {"model": state_dict}; without, the example is pre-trained')
    parser.add_argument("--pretrain-epochs", type=int, default=300, help="of the example (default: 300)")
    parser.add_argument("--split", default=SPLIT, help=f"last frozen layer (default: {SPLIT})")
    parser.add_argument("--last", default=LAST, help=f"layer whose dR is maximized (default: {LAST})")
    parser.add_argument("--steps", type=int, default=100, help="steps of fine-tuning (default: 100)")
    parser.add_argument("--beta", type=float, default=1.0, help="weight of JS (default: 1)")
    parser.add_argument("--gamma", type=float, default=1e-2, help="weight of dR (default: 0.01)")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="of the outer problem (default: 1e-4)")
    parser.add_argument("--trials", type=int, default=0, help="settings that the tuner tries first; 0 takes those given here (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if (options.run / "log.txt").exists():
        raise SystemExit(f"{options.run} already holds a run; name another folder")
    torch.manual_seed(options.seed)
    data = load_digits_split(80, 80, options.seed)
    train_images, held_out_images = data.images[data.train_ids], data.images[data.held_out_ids]
    pairs = Pairs(train_images, options.seed)
    model = make_model()
    if options.checkpoint is None:
        pretrain(model, pairs, options.pretrain_epochs)
    else:
        state = torch.load(options.checkpoint, map_location="cpu")
        model.load_state_dict(state.get("model", state))

    settings = umm.UmmSettings(
        split=options.split, last=options.last, steps=options.steps, beta=options.beta, gamma=options.gamma,
        learning_rate=options.learning_rate, seed=options.seed,
    )
    options.run.mkdir(parents=True, exist_ok=True)
    if options.trials > 0:
        score = umm_tuner.held_out_reduction(list(Pairs(held_out_images, options.seed + 1)), ssl_loss, settings)
        steps = sorted({max(1, options.steps // 4), max(1, options.steps // 2), options.steps})
        choice = umm_tuner.tune(model, pairs, ssl_loss, score, settings, steps=steps, trials=options.trials, record=options.run / "umm.json")
        print(f"the tuner chose {choice.settings.steps} steps, beta {choice.settings.beta}, gamma {choice.settings.gamma}; 0 steps: nothing was better")
        settings = choice.settings

    # Tensors [samples, views, ...] are the views themselves; with a data set of your own: train=train_set, held_out=held_out_set.
    train_views, held_out_views = (fixed_views(images, 8, IMAGE_SIZE, STRENGTH, options.seed + 2) for images in (train_images, held_out_images))
    recorder = Recorder(model, train=train_views, held_out=held_out_views, folder=options.run, unit="step", total=settings.steps)
    recorder.record_when_due(step=0)
    history = umm.finetune(
        model, pairs, ssl_loss, settings, checkpoint=options.run / "checkpoints" / "umm.pt",
        after_step=lambda _, step: recorder.record_when_due(step=step),
    )
    with open(options.run / "log.txt", "w") as log:
        for step, values in enumerate(zip(history.ssl_loss, history.divergence, history.reduction), start=1):
            log.write(json.dumps({"step": step, **dict(zip(("ssl_loss", "divergence", "reduction"), values))}) + "\n")
    print(f"{settings.steps} steps of UMM: open {options.run} in Layerscope to see what changed, layer by layer")


if __name__ == "__main__":
    main()
