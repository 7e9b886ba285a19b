"""Makes models/genq/mini-embedder from a seed. Needs python3-onnx and python3-numpy (Debian).

A text is read as characters. Each position yields up to three n-grams (words: 3 to 5 characters inside word
borders; Japanese and Chinese: 1 to 3 characters). An n-gram's integer hash picks one row of each of two tables of
random signs; their product is the n-gram's vector, so a million n-grams are nearly orthogonal in 384 dimensions.
Mean pooling of the rows is then a random projection of the weighted set of n-grams.
"""

import json
import pathlib
import sys
import unicodedata

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from frequent_words import ENDINGS, ENGLISH, JAPANESE

SEED = 20240607
DIMENSIONS = 384
MAX_TOKENS = 2048
ROWS = 1024  # of each sign table
WEIGHT_BUCKETS = 1 << 16
PRIME = 2147483647  # 2^31 - 1: products of two residues fit in int64
MULTIPLIER = 1103515245

PAD, UNK, CLS, SEP = range(4)
BORDER, LETTER, HIRAGANA, KATAKANA, KANJI = range(5)


def character_class(char):
    code = ord(char)
    if 0x3041 <= code <= 0x309F:
        return HIRAGANA
    if 0x30A1 <= code <= 0x30FF and char != "\u30fb":
        return KATAKANA
    if 0x3400 <= code <= 0x9FFF or char in "\u3005\u3007":
        return KANJI
    return LETTER if unicodedata.category(char)[0] in "LMN" else BORDER


def vocabulary():
    """Characters that NFKC and lower-casing can leave over, in code point order."""
    ranges = [(0x20, 0x24F), (0x300, 0x52F), (0x5D0, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE5B)]
    ranges += [(0x1EA0, 0x1EFF), (0x2010, 0x2044), (0x20A0, 0x20BF), (0x2190, 0x21FF), (0x2200, 0x22FF)]
    ranges += [(0x3000, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)]
    chars = [chr(code) for low, high in ranges for code in range(low, high + 1)]
    kept = [c for c in chars if unicodedata.normalize("NFKC", c).lower() == c and unicodedata.category(c) != "Cn"]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *kept]


def ngram_hash(ids, order):
    """The same arithmetic as the graph's."""
    value = order
    for token in ids:
        value = (value * MULTIPLIER + token + 1) % PRIME
    return value



def weights(ids_of):
    """Weight of each n-gram bucket: 1, less for the n-grams of frequent words."""
    table = np.ones(WEIGHT_BUCKETS, dtype=np.float32)

    def lower(text, orders, weight):
        ids = [ids_of.get(c, UNK) for c in text]
        for order in orders:
            for start in range(len(ids) - order + 1):
                bucket = ngram_hash(ids[start : start + order], order) % WEIGHT_BUCKETS
                table[bucket] = min(table[bucket], weight)

    for word, weight in ENGLISH.items():
        lower(f" {word} ", (3, 4, 5), weight)
    for ending, weight in ENDINGS.items():
        lower(ending, (3, 4, 5), weight)
    for word, weight in JAPANESE.items():
        lower(word, (1, 2, 3), weight)
    return table


class Graph:
    """Names the nodes and constants of an ONNX graph as it grows."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=np.int64):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, operation, *inputs, output=None, **attributes):
        name = output or f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name


def build_graph(vocab):
    rng = np.random.default_rng(SEED)
    ids_of = {c: i for i, c in enumerate(vocab)}
    space = ids_of[" "]
    classes = [BORDER if i < 4 and i != UNK else LETTER if i == UNK else character_class(c) for i, c in enumerate(vocab)]
    # All borders read as the space, so that "end." and "end " have the same n-grams.
    folded = [space if kind == BORDER else i for i, kind in enumerate(classes)]

    g = Graph()
    zero, one = g.constant(0), g.constant(1)
    masked = g.add("Mul", "input_ids", "attention_mask")
    letters = g.add("Gather", g.constant(folded), masked)
    kinds = g.add("Gather", g.constant(classes), masked)

    # Columns 0 to 3 hold the characters before each position: padded at the front with spaces.
    def before(values, steps, fill):
        if steps == 0:
            return values
        padded = g.add("Pad", values, g.constant([0, steps, 0, 0]), g.constant(fill))
        return g.add("Slice", padded, g.constant([0]), g.constant([-steps]), g.constant([1]))

    letters_at = [before(letters, n, space) for n in range(5)]
    kinds_at = [before(kinds, n, BORDER) for n in range(5)]
    is_border = [g.add("Equal", k, g.constant(BORDER)) for k in kinds_at]
    is_cjk = [g.add("Greater", k, g.constant(LETTER)) for k in kinds_at]
    is_letter = [g.add("Equal", k, g.constant(LETTER)) for k in kinds_at]

    def hash_of(order):
        value = g.constant(order)
        for n in reversed(range(order)):
            value = g.add("Mul", value, g.constant(MULTIPLIER))
            value = g.add("Add", value, g.add("Add", letters_at[n], one))
            value = g.add("Mod", value, g.constant(PRIME))
        return value

    def every(flags):
        result = flags[0]
        for flag in flags[1:]:
            result = g.add("And", result, flag)
        return result

    def word_ngram(order):
        """Letters inside, a border at neither, one or both ends."""
        inside = [is_letter[n] for n in range(1, order - 1)]
        ends = [g.add("Or", is_letter[n], is_border[n]) for n in (0, order - 1)]
        return every(inside + ends)

    # How much a Japanese character says: kanji and katakana carry content, hiragana mostly grammar.
    says = [g.add("Gather", g.constant([0, 0, 0.25, 0.8, 1.0], np.float32), k) for k in kinds_at]

    def cjk_weight(order):
        value = says[0]
        for n in range(1, order):
            value = g.add("Add", value, says[n])
        return g.add("Mul", value, g.constant(CJK_SCALE[order] / order, np.float32))

    bucket_weights = g.constant(weights(ids_of), np.float32)
    tables = [g.constant(rng.choice([-1, 1], (ROWS, DIMENSIONS)), np.int8) for _ in range(2)]
    floats = [g.add("Cast", t, to=TensorProto.FLOAT) for t in tables]

    rows = []
    for word_order, cjk_order in ((3, 2), (4, 1), (5, 3)):
        in_word, in_cjk = word_ngram(word_order), every(is_cjk[:cjk_order])
        hashed = g.add("Where", in_cjk, hash_of(cjk_order), hash_of(word_order))
        known = g.add("Gather", bucket_weights, g.add("Mod", hashed, g.constant(WEIGHT_BUCKETS)))
        word = g.add("Mul", g.add("Cast", in_word, to=TensorProto.FLOAT), g.constant(WORD_SCALE[word_order], np.float32))
        scale = g.add("Mul", known, g.add("Where", in_cjk, cjk_weight(cjk_order), word))
        # Each n-gram counts once, however often it comes: repetition would drown what a text says but once.
        same = g.add("Equal", g.add("Unsqueeze", hashed, g.constant([2])), g.add("Unsqueeze", hashed, g.constant([1])))
        times = g.add("ReduceSum", g.add("Cast", same, to=TensorProto.FLOAT), g.constant([2]), keepdims=0)
        column = g.add("Unsqueeze", g.add("Div", scale, times), g.constant([2]))
        low = g.add("Gather", floats[0], g.add("Mod", hashed, g.constant(ROWS)))
        high = g.add("Gather", floats[1], g.add("Mod", g.add("Div", hashed, g.constant(ROWS)), g.constant(ROWS)))
        rows.append(g.add("Mul", g.add("Mul", low, column), high))

    # A small constant part, so that a text without any letter still has a direction.
    start = g.add("Cast", g.add("Equal", masked, g.constant(CLS)), to=TensorProto.FLOAT)
    bias = g.constant(rng.choice([-0.05, 0.05], DIMENSIONS), np.float32)
    rows.append(g.add("Mul", g.add("Unsqueeze", start, g.constant([2])), bias))
    g.add("Sum", *rows, output="last_hidden_state")

    shape = ["batch_size", "sequence_length"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, DIMENSIONS])]
    graph = helper.make_graph(g.nodes, "mini-embedder", inputs, outputs, g.constants)
    model = helper.make_model(graph, producer_name="genq", opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


WORD_SCALE = {3: 0.6, 4: 0.9, 5: 1.0}
CJK_SCALE = {1: 0.7, 2: 1.0, 3: 0.7}


def tokenizer(vocab):
    special = [
        {"id": i, "content": vocab[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i in range(4)
    ]
    pieces = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFKC"},
                {"type": "Lowercase"},
                {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "FixedLength", "length": 1},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": pieces,
            "pair": pieces,
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for i, t in ((CLS, "[CLS]"), (SEP, "[SEP]"))},
        },
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 4,
            "vocab": {c: i for i, c in enumerate(vocab)},
        },
    }


def main(folder):
    vocab = vocabulary()
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": DIMENSIONS,
        "num_hidden_layers": 0,
        "num_attention_heads": 1,
        "max_position_embeddings": MAX_TOKENS,
        "vocab_size": len(vocab),
        "pad_token_id": PAD,
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizer",
        "model_max_length": MAX_TOKENS,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "clean_up_tokenization_spaces": False,
    }
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    for name, value in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
        (folder / name).write_text(json.dumps(value, indent=2) + "\n")
    compact = json.dumps(tokenizer(vocab), ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(compact + "\n")
    onnx.save(build_graph(vocab), folder / "onnx" / "model.onnx")


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "models" / "genq" / "mini-embedder")
