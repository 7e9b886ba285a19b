"""Which sentence answers the question: the trained part of genq/mini-generator, layers 3 and 4 of the decoder.

Each token of a sentence looks for like words of the question (heads of layer 3), what it finds is averaged over the
sentence and over the question (layer 4), and the MLPs after both make a score of it. All sizes are those of layout.ts.
"""

import torch
import torch.nn.functional as F
from torch import nn

WORD_CODE = 44
SURFACE = 8
WORD = WORD_CODE + SURFACE
TELLS = 12
HEADS = 6
MATCH = 24
MIXED = 12
INNER = 64
# The attention's sink counts for so many tokens that the means are nearly sums: what share of the question is found?
PADDING = 200
SUMMED = TELLS + MATCH + MIXED


class Gated(nn.Module):
    """SwiGLU, with biases: the decoder's stream has a constant."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.gate, self.up = nn.Linear(inputs, INNER), nn.Linear(inputs, INNER)
        self.down = nn.Linear(INNER, outputs, bias=False)
        nn.init.normal_(self.down.weight, std=0.02)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Relevance(nn.Module):
    def __init__(self, words, tells):
        super().__init__()
        self.word = nn.Parameter(words)
        self.tell = nn.Parameter(tells)
        # Queries of [word, word before]; the keys are these themselves.
        query = torch.zeros(HEADS, 2 * WORD, 2 * WORD)
        for head, (own, before) in enumerate([(20, 0), (20, 20), (8, 0), (0, 8), (4, 4), (4, 0)]):
            query[head].diagonal()[:WORD_CODE] = own / WORD_CODE
            query[head].diagonal()[WORD : WORD + WORD_CODE] = before / WORD_CODE
            query[head] += torch.randn_like(query[head]) * 0.01
        self.query = nn.Parameter(query)
        self.sink = nn.Parameter(torch.tensor([15.0, 35.0, 5.0, 5.0, 5.0, 2.0]))
        found = torch.randn(HEADS, 2 * TELLS, MATCH) * 0.05
        found[0, 0, 0], found[1, 0, 1] = 1, 1
        self.found = nn.Parameter(found)
        self.mix = Gated(TELLS + MATCH + WORD, MIXED)
        self.judge = Gated(2 * SUMMED + 1, 1)
        # Straight to the score: the circuit's own sum of matches, to start with.
        straight = torch.zeros(2 * SUMMED + 1)
        straight[TELLS], straight[TELLS + 1] = 110, 110
        self.straight = nn.Parameter(straight)

    def forward(self, batch):
        """Scores [samples, sentences] of padded samples; -1e4 where there is no sentence."""
        tokens, before, stretch, count = batch["tokens"], batch["before"], batch["stretch"], batch["sentences"]
        samples, length = tokens.shape
        asked = batch["asked"]
        word, tell = F.embedding(tokens, self.word), F.embedding(tokens, self.tell)
        known = (before >= 0).unsqueeze(-1).float()
        pair = torch.cat((word, F.embedding(before.clamp(min=0), self.word) * known), -1)
        told = torch.cat((tell, F.embedding(before.clamp(min=0), self.tell) * known), -1)
        # Questions stand first in their rows. After them comes the sink, which tells nothing.
        key, value = (F.pad(part[:, :asked], (0, 0, 0, 1)) for part in (pair, told))
        visible = (stretch[:, :asked] == 0)[:, None] & (torch.arange(asked) <= torch.arange(length)[:, None])
        hidden = ~F.pad(visible, (0, 1), value=True)[:, :, None]
        # The queries' matrix goes to the few words of the question, not to all tokens.
        turned = torch.einsum("bjf,hef->behj", key, self.query).flatten(2)
        scores = (pair @ turned).view(samples, length, HEADS, asked + 1) + F.pad(self.sink[:, None], (asked, 0))
        weights = scores.masked_fill(hidden, -1e4).softmax(-1).flatten(2)
        match = weights @ torch.einsum("bjv,hvm->bhjm", value, self.found).flatten(1, 2)
        x = torch.cat((tell, match), -1)
        x = torch.cat((x, self.mix(torch.cat((x, word), -1))), -1)
        # Sums over stretches: 0 is the question, 1 is what says "none", the rest are sentences; padding is last.
        sums = torch.zeros(samples, count + 2, SUMMED).scatter_add_(1, stretch.unsqueeze(-1).expand(-1, -1, SUMMED), x)
        means = sums[:, :-1] / (batch["lengths"] + PADDING).unsqueeze(-1)
        question = means[:, :1].expand(-1, count, -1)
        none = (torch.arange(count) == 0).float()[None, :, None].expand(samples, -1, -1) * batch["has_none"][:, None, None]
        joined = torch.cat((means[:, 1:], question, none), -1)
        score = joined @ self.straight + self.judge(joined)[..., 0]
        return score.masked_fill(~batch["present"], -1e4)


def surface(texts):
    """What a token looks like: what words can't tell of names and numbers."""
    rows = []
    for text in texts:
        word = text.strip()
        kind = lambda low, high: float(any(low <= char <= high for char in word))
        rows.append([
            float(word.isdigit()), float(word.isdigit() and len(word) >= 3), float(word[:1].isupper()), kind("一", "鿿"),
            kind("ァ", "ヺ"), kind("ぁ", "ゖ"), float(bool(word) and not any(char.isalnum() for char in word)), float(text.startswith(" ")),
        ])
    return torch.tensor(rows)


def start(texts, file):
    """The hand-set vectors of words, before training."""
    rows = torch.frombuffer(bytearray(open(file, "rb").read()), dtype=torch.int8).view(len(texts), WORD_CODE + 1).float()
    special = torch.tensor([text.startswith("<|") and text.endswith("|>") for text in texts])
    looks = surface(texts) * ~special[:, None]
    words = torch.cat((rows[:, :WORD_CODE], looks * 0.5), 1)
    tells = torch.zeros(len(texts), TELLS)
    tells[:, 0] = rows[:, WORD_CODE] / 100
    tells[:, 1 : 1 + SURFACE] = looks * 0.3
    tells[:, 1 + SURFACE :] = torch.randn(len(texts), TELLS - 1 - SURFACE) * 0.05 * ~special[:, None]
    return Relevance(words, tells)
