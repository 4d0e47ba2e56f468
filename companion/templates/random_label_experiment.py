#!/usr/bin/env python3
"""How much do the layers memorize, and what does a penalty on it change? Trains the same model several times with random-label heads.

Weight 0 only measures: the training is what it would be without the heads. With larger weights, the layers are pushed to make random labels
of single samples hard to learn (arXiv 2411.19640; RLP). As it stands it trains Layerscope's example, SimCLR on handwritten digits, half a minute
a weight. Put your own model, data and loss into part 1 and keep part 2; layers are named as in model.named_modules().

    python random_label_experiment.py runs/random-labels --weights 0,1,10

    RUN/weight=0/log.txt      one JSON object an epoch: the SSL loss and, layer by layer, the score of the heads (0 is chance, 1 complete)
    RUN/weight=0/probes/*     features of all layers, for Layerscope
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from layerscope import RandomLabelHeads, Recorder, linear_warmup

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
LAYERS = "blocks.3,blocks.4,blocks.5,projector"  # which get heads


class NumberedPairs:
    """Batches (sample ids, first views, second views). A sample keeps its id for ever: its random labels depend on it."""

    def __init__(self, images, seed):
        self.images, self.generator = images, torch.Generator().manual_seed(seed)

    def __iter__(self):
        for ids in torch.randperm(len(self.images), generator=self.generator).split(BATCH_SIZE):
            yield (ids, *(augment(self.images[ids], IMAGE_SIZE, STRENGTH, self.generator) for _ in range(2)))


def ssl_loss(model, first, second):
    """One call of the model: all samples of the first view, then all of the second, as the heads expect them."""
    return nt_xent_loss(*model(torch.cat([first, second])).chunk(2), temperature=0.2)


def make_model(pairs):
    model = SimclrModel([6, 6, 6, 8, 8, 10], projector_hidden=128, projector_width=12)
    settle_batch_statistics(model, torch.cat(next(iter(pairs))[1:]))
    return model


# ---- 2. The experiment ------------------------------------------------------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the experiment, with a run for each weight")
    parser.add_argument("--weights", default="0,1,10", help="of the penalty, separated by commas (default: 0,1,10)")
    parser.add_argument("--layers", default=LAYERS, help=f"which get heads (default: {LAYERS})")
    parser.add_argument("--heads", type=int, default=2, help="sets of random labels for each layer (default: 2)")
    parser.add_argument("--epochs", type=int, default=300, help="of training, for each weight (default: 300)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of the model (default: 1e-3)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random, the same for all weights (default: 0)")
    return parser.parse_args()


def train(weight, options):
    """One run; gives the last scores by layer."""
    run = options.run / f"weight={weight:g}"
    if (run / "log.txt").exists():
        raise SystemExit(f"{run} already holds a run; name another folder")
    torch.manual_seed(options.seed)
    data = load_digits_split(80, 80, options.seed)
    train_images, held_out_images = data.images[data.train_ids], data.images[data.held_out_ids]
    pairs = NumberedPairs(train_images, options.seed)
    model = make_model(pairs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
    # Heads learn what there is to recognise before the penalty presses on it.
    steps = options.epochs * -(-len(train_images) // BATCH_SIZE)
    heads = RandomLabelHeads(
        model, layers=options.layers.split(","), heads=options.heads, seed=options.seed,
        weight=linear_warmup(weight, steps=max(1, steps // 5)),
    )

    # Tensors [samples, views, ...] are the views themselves; with a data set of your own: train=train_set, held_out=held_out_set.
    train_views, held_out_views = (fixed_views(images, 8, IMAGE_SIZE, STRENGTH, options.seed + 1) for images in (train_images, held_out_images))
    recorder = Recorder(
        model, train=train_views, held_out=held_out_views, folder=run, total=options.epochs, metadata={"random_label_weight": weight},
    )
    recorder.record_when_due(epoch=0)
    scores = {}
    with open(run / "log.txt", "w", buffering=1) as log:
        for epoch in range(options.epochs):
            model.train()
            losses = []
            for ids, first, second in pairs:
                loss = ssl_loss(model, first, second)
                losses.append(float(loss.detach()))
                loss = loss + heads(ids)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            scores = heads.scores()
            memorized = {f"random_label_score/{layer}": round(score, 4) for layer, score in scores.items()}
            log.write(json.dumps({"epoch": epoch + 1, "train_loss": round(sum(losses) / len(losses), 5), **memorized}) + "\n")
            recorder.record_when_due(epoch=epoch + 1)
    heads.remove()
    return scores


def main():
    options = parse_arguments()
    for weight in map(float, options.weights.split(",")):
        scores = train(weight, options)
        print(f"weight {weight:g}: " + ", ".join(f"{layer} {score:.2f}" for layer, score in scores.items()), flush=True)
    print(f"Open {options.run} in Layerscope to compare the runs, layer by layer.")


if __name__ == "__main__":
    main()
