"""What adding to the score of "none" costs and gains: `python calibrate.py START FOLDER…`. For CAUTION in export.py.

On samples like the training's, of a seed that it never had; not on the evaluation's.
"""

import random
import sys

import torch

from export import trained
from samples import Encoder, draw
from train import TOKENIZER, collate, lengths

SAMPLES, BATCH, SEED = 2000, 20, 424242


def main(begin, *folders):
    torch.set_grad_enabled(False)
    random.seed(SEED)
    encoder = Encoder(TOKENIZER)
    model = trained(begin, folders)
    samples = [sample for sample in (draw(encoder, lengths(1)) for _ in range(SAMPLES)) if sample.reply is None]
    samples.sort(key=lambda sample: sum(len(text) for passage in sample.passages for text in passage))
    rows = []
    for at in range(0, len(samples), BATCH):
        batch = collate(encoder, samples[at : at + BATCH])
        scores = model(batch)
        best, where = scores[:, 1:].max(1)
        for sample, none, score, place, target in zip(samples[at : at + BATCH], scores[:, 0], best, where + 1, batch["target"]):
            kind = "unanswerable" if sample.answer is None else sample.language
            rows.append((kind, float(none - score), bool(place == target)))
    for caution in (-1, -0.5, 0, 0.5, 1, 1.5, 2):
        shares = []
        for kind in ("en", "ja", "unanswerable"):
            own = [(margin + caution > 0, right) for name, margin, right in rows if name == kind]
            good = sum(none if kind == "unanswerable" else right and not none for none, right in own)
            shares.append(f"{kind} {100 * good / len(own):.0f} %")
        print(f"caution {caution}: {', '.join(shares)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
