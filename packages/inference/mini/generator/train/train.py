"""Trains what picks the sentence: `python train.py START FOLDER --minutes 40` (START: what dump-start.ts wrote).

Goes on from FOLDER/checkpoint.pt where there is one. One process makes samples, one learns. What is used is average.pt: the
mean of the last weights, which finds more than any of them.
"""

import argparse
import math
import pathlib
import random
import time

import torch
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from relevance import start
from samples import NONE, Encoder, draw

TOKENIZER = pathlib.Path(__file__).parent / "../../models/genq/mini-generator/tokenizer.json"


def lengths(progress):
    """About how many tokens a sample has: short ones first."""
    if progress < 0.1:
        return random.choice([60, 90, 130])
    if progress < 0.4:
        return random.choice([90, 150, 220, 320])
    return random.choice([120, 120, 150, 220, 220, 320, 450, 900])


def collate(encoder, samples):
    """Padded tensors. Stretches: 0 the question, 1 what says that nothing answers, 2… the sentences."""
    texts = []
    for sample in samples:
        texts.append(sample.question)
        texts += candidates(sample)
    pieces = iter(encoder.encode(texts))
    rows = []
    for sample in samples:
        parts = [next(pieces) for _ in range(1 + len(candidates(sample)))]
        tokens, before, stretch, counts = [], [], [], []
        for index, part in enumerate(parts):
            tokens += part
            before += [-1, *part[:-1]]
            stretch += [index] * len(part)
            # With the opening and, but for the question, the end.
            counts.append(len(part) + (1 if index == 0 else 2))
        rows.append((tokens, before, stretch, counts, len(parts[0])))
    width, count = max(len(row[0]) for row in rows), max(len(row[3]) for row in rows)
    pad = lambda values, size, by: values + [by] * (size - len(values))
    return dict(
        tokens=torch.tensor([pad(row[0], width, 0) for row in rows]),
        before=torch.tensor([pad(row[1], width, -1) for row in rows]),
        stretch=torch.tensor([pad(row[2], width, count) for row in rows]),
        lengths=torch.tensor([pad(row[3], count, 1) for row in rows]).float(),
        present=torch.tensor([pad([True] * (len(row[3]) - 1), count - 1, False) for row in rows]),
        has_none=torch.tensor([float(sample.reply is None) for sample in samples]),
        target=torch.tensor([right(sample) for sample in samples]),
        sentences=count - 1,
        asked=max(row[4] for row in rows),
    )


def candidates(sample):
    """What can be said, as the chat template lists it."""
    if sample.reply is not None:
        return [f"{text}" for text in sample.offers]
    return [NONE[sample.language]] + [f"{text} [{number}]" for number, passage in enumerate(sample.passages, 1) for text in passage]


def right(sample):
    if sample.reply is not None:
        return sample.offers.index(sample.reply)
    if sample.answer is None:
        return 0
    passage, place = sample.answer
    return 1 + sum(map(len, sample.passages[:passage])) + place


def make(queue, seed, began, minutes, fresh):
    torch.set_num_threads(1)
    random.seed(seed)
    encoder = Encoder(TOKENIZER)
    while True:
        progress = (time.time() - began) / (minutes * 60) if fresh else 1
        samples = sorted((draw(encoder, lengths(progress)) for _ in range(192)), key=lambda sample: sum(len(text) for passage in sample.passages for text in passage))
        for at in random.sample(range(0, 192, 32), 6):
            queue.put(collate(encoder, samples[at : at + 32]))


def learn(options):
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    encoder = Encoder(TOKENIZER)
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = start(encoder.texts, options.start)
    fresh = not (folder / "checkpoint.pt").exists()
    if not fresh:
        model.load_state_dict(torch.load(folder / "checkpoint.pt"))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    slow = [model.word]
    optimizer = torch.optim.Adam([{"params": slow, "scale": 1.0}, {"params": [p for p in model.parameters() if p is not model.word], "scale": 0.5}], betas=(0.9, 0.98))
    queue = multiprocessing.get_context("spawn").Queue(24)
    began = time.time()
    maker = multiprocessing.get_context("spawn").Process(target=make, args=(queue, options.seed + int(began), began, options.minutes, fresh), daemon=True)
    maker.start()
    step, shown, sums = 0, time.time(), []
    while (share := (time.time() - began) / (options.minutes * 60)) < 1:
        batch = queue.get()
        step += 1
        for group in optimizer.param_groups:
            group["lr"] = options.rate * group["scale"] * min(1, step / 50) * min(1, (1 - share) / 0.5)
        scores = model(batch)
        loss = F.cross_entropy(scores, batch["target"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(model)
        hit, none = (scores.argmax(1) == batch["target"]).float(), (batch["target"] == 0) & (batch["has_none"] > 0)
        sums.append([loss.item(), hit[~none].mean().item(), hit[none].mean().item() if none.any() else math.nan])
        if time.time() - shown > options.report:
            loss, told, untold = torch.tensor(sums).nanmean(0).tolist()
            print(f"{share:.3f} step {step} loss {loss:.3f} right sentence {told:.3f} none {untold:.3f}", flush=True)
            shown, sums = time.time(), []
            save(model, folder / "checkpoint.pt")
            save(average.module, folder / "average.pt")
    save(model, folder / "checkpoint.pt")
    save(average.module, folder / "average.pt")


def save(model, file):
    """Whole or not at all."""
    torch.save(model.state_dict(), file.with_suffix(".tmp"))
    file.with_suffix(".tmp").replace(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("start")
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--report", type=float, default=30, help="seconds between reports and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    learn(parser.parse_args())


if __name__ == "__main__":
    main()
