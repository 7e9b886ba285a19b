"""Samples: a question, numbered passages of sentences, and which sentence answers (or none)."""

import pathlib
import random
from dataclasses import dataclass

from tokenizers import Tokenizer

import english
import japanese
import manual
from open_facts import open_facts

NONE = {"en": "The passages do not say.", "ja": "文章には書かれていません。"}
SELF = {
    "en": "I am genq's bundled mini generator. I copy the sentence that answers your question out of the passages that I am given, and know nothing else.",
    "ja": "私はgenqの小さな内蔵モデルです。質問に答える一文を、渡された文章から写します。ほかのことは知りません。",
}
GREETING = {"en": "Hello! Upload a document and ask me about it.", "ja": "こんにちは。文書を入れて、質問してください。"}
OFFERS = {language: (SELF[language], GREETING[language]) for language in SELF}
HELLOS = {"en": "Hello|Hi|Hi there|Good morning|Good evening|Hey|Hello there|Greetings|hello!|hi!|Hello, genq|Good afternoon|Hey there|How do you do".split("|"), "ja": "こんにちは|こんばんは|おはよう|おはようございます|やあ|はじめまして|どうも|こんにちは！|こんばんは。|ハロー".split("|")}

here = pathlib.Path(__file__).parent


@dataclass
class Sample:
    language: str
    question: str
    passages: list  # of lists of sentences
    answer: tuple | None  # (passage, sentence); None where nothing answers
    reply: str | None = None  # without passages
    offers: tuple = ()  # what can be replied


class Encoder:
    """Texts to tokens."""

    def __init__(self, file):
        self.tokenizer = Tokenizer.from_file(str(file))
        vocabulary = self.tokenizer.get_vocab()
        self.texts = [None] * len(vocabulary)
        for token, index in vocabulary.items():
            self.texts[index] = token if token.startswith("<|") else self.tokenizer.decode([index])
        japanese.KANJI[:] = [text for text in self.texts if len(text) == 1 and "一" <= text <= "龠"]
        self.usable = [text for text in self.texts if not text.startswith("<|") and "\ufffd" not in text and text.strip()]
        self.words = (here / "../words.txt").read_text().split()

    def encode(self, texts):
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


def filler(language):
    module = manual if language == "en" else japanese
    roll = random.random()
    if roll < 0.55:
        return module.statement()[0]
    if roll < 0.85:
        source = english if language == "en" else japanese
        return random.choice(source.facts(1)[3])[0]
    if roll < 0.93:
        return heading(language)
    return lengthen(language, module.statement()[0])


def words_of(language, question):
    if language == "en":
        return [word for word in question.rstrip("?.").split(" ") if len(word) > 3] or [question]
    return [question[at : at + 2] for at in range(0, len(question) - 1, 2)] or [question]


def markup(language, question):
    """A line of code, of a table or of contents with words of the question: it answers nothing."""
    words = words_of(language, question)
    kept = random.sample(words, min(len(words), random.choice([1, 1, 2, 3])))
    a, b, c = [*kept, manual.noun(), manual.option(), str(random.randint(1, 900))][:3]
    return random.choice([
        f'<{a} {b}="{c}">', f"{a} = {b}({c});", f"<{a}> <!-- {b} {c} --> <{a}>", f"| {a} | {b} | {c} |", f"-------- {a.upper()} {random.randint(1, 99)} {b} {c}", f"{a}.{b}: {c}", f"{a} {b} {'.' * random.randint(5, 30)} {random.randint(1, 90)}",
        f"{a} {b} {c}", f"# {a} {b}", f"{a}, {b}, {c}", f"{a} --{b} {c}",
    ])


def echo(language, question):
    """A long sentence that says a word or two of the question again and again."""
    join = " " if language == "en" else ""
    words = words_of(language, question)
    kept = random.sample(words, min(len(words), random.choice([1, 1, 2])))
    text = lengthen(language, filler(language)) if random.random() < 0.6 else filler(language)
    parts = text.split(" ") if language == "en" else list(text)
    for word in kept * random.choice([1, 2, 2, 3]):
        parts.insert(random.randint(0, len(parts) - 1), word)
    return join.join(parts)


def extend(language, question, answer):
    """The sentence that answers goes on, and may say words of the question again."""
    more = random.choice([echo(language, question), filler(language)])
    if language == "en":
        return answer.rstrip(".") + random.choice([", and ", "; ", ", because ", ", while ", ", so that ", ": "]) + more[:1].lower() + more[1:]
    return answer.rstrip("。") + random.choice(["が、", "し、", "ので、", "、"]) + more


def heading(language):
    number = ".".join(str(random.randint(1, 12)) for _ in range(random.choice([0, 1, 2])))
    text = manual.capital(manual.noun()) if language == "en" else japanese.noun()
    return f"{number} {text}".strip() + random.choice(["", "", ":", " ..... 12"])


def lengthen(language, text):
    """A sentence with a second clause."""
    if language == "en":
        other = manual.statement()[0]
        return text.rstrip(".") + random.choice([", and ", "; ", ", while ", " (", ", but "]) + other[:1].lower() + other[1:]
    return text.rstrip("。") + random.choice(["が、", "。", "し、", "、"]) + japanese.statement()[0]


def about_things(language):
    """Facts about one to three things; the question asks for one of them."""
    source = english if language == "en" else japanese
    kind, name, again, facts = source.facts(random.choice([1, 2, 2, 3, 4]))
    alone = random.random() < 0.5
    told = [first if index == 0 or random.random() < 0.6 else later for index, (first, later, _) in enumerate(facts)]
    groups = [[source.dress(text) for text in told]]
    while not alone and random.random() < 0.6 and len(groups) < 3:
        # Something else, or the same told of another thing of its kind.
        same = [questions for _, _, questions in random.sample(facts, random.randint(1, len(facts)))]
        other = source.facts(random.choice([1, 2, 3])) if random.random() < 0.4 else source.facts(1, kind, same)
        groups.append([source.dress(text) for text, _, _ in other[3]])
    if random.random() < 0.35:
        if len(facts) > 1 and random.random() < 0.5:
            # Told of the others only.
            question = source.ask(random.choice(facts[0][2]), name)
            groups[0].pop(0)
        elif random.random() < 0.7:
            question = source.unstated(kind, name, [questions for _, _, questions in facts])
        else:
            stranger = source.facts(1)
            question = source.ask(random.choice(stranger[3][0][2]), stranger[1])
        if question:
            return question, groups, None
    chosen = random.randrange(len(facts))
    shown = again if alone and told[chosen] != facts[chosen][0] and random.random() < 0.15 else name
    return source.ask(random.choice(facts[chosen][2]), shown), groups, groups[0][chosen]


def from_manual(language):
    module = manual if language == "en" else japanese
    text, questions, words = module.statement()
    if random.random() < 0.12:
        text = lengthen(language, text)
    groups = [[module.neighbour(words) for _ in range(random.choice([0, 0, 1, 2, 3]))]]
    question = module.manual_question(questions, words)
    if random.random() < 0.33:
        return question, groups, None
    groups[0].insert(random.randint(0, len(groups[0])), text)
    return question, groups, text


def from_soup(language, encoder):
    """Words without sense: the sentence that has all of the question's words, among some that have a few."""
    module = manual if language == "en" else japanese
    if random.random() < 0.4:
        pool = [text.strip() for text in random.sample(encoder.usable, 120)]
    elif language == "en":
        pool = random.sample(encoder.words, 120)
    else:
        pool = ["".join(random.choices(japanese.KANJI, k=random.choice([1, 2, 2, 3]))) for _ in range(60)] + [japanese.katakana() for _ in range(30)]
    keys, rest = pool[: random.choice([1, 2, 2, 3, 3, 4])], pool[6:]
    decoys = [module.soup_sentence(rest, random.sample(keys, len(keys) - 1)[: random.choice([0, 1, 1, 2])]) for _ in range(random.choice([1, 2, 3, 4]))]
    text = module.soup_sentence(rest, keys)
    shown = list(keys)
    random.shuffle(shown)
    if language == "en":
        frame = random.choice(["{}", "{}?", "What is {}?", "Which {}?", "How does the {} work?", "What does {} say?", "Where is the {}?"])
        spelled = [word.capitalize() if random.random() < 0.1 else word + "s" if random.random() < 0.05 else word for word in shown]
        question = frame.format(random.choice([" ", " ", " the ", " and ", " of "]).join(spelled))
    else:
        question = random.choice(["{}", "{}は？", "{}とは何ですか？", "{}について教えて", "{}はどこですか？"]).format(random.choice(["の", "と", " ", "は"]).join(shown))
    if random.random() < 0.3:
        return question, [decoys], None
    return question, [[*decoys, text]], text


def without_passages(language):
    if random.random() < 0.5:
        return Sample(language, random.choice(HELLOS[language]) + random.choice(["", "", "!", "."]), [], None, GREETING[language], OFFERS[language])
    module = manual if language == "en" else japanese
    who = {"en": "Who are you?|What are you?|What can you do?|What is genq?|Tell me about yourself.|Hello, who are you?|Write a poem.|Are you a robot?|Introduce yourself.", "ja": "あなたは誰ですか？|自己紹介してください。|何ができますか？|genqとは何ですか？|君は何者？|詩を書いて。"}
    text, questions, words = module.statement()
    text = random.choice([random.choice(who[language].split("|")), module.manual_question(questions, words), text])
    return Sample(language, text, [], None, SELF[language], OFFERS[language])


def draw(encoder, length):
    """A sample of about so many tokens, one in four much shorter."""
    language = "en" if random.random() < 0.58 else "ja"
    if random.random() < 0.02:
        return without_passages(language)
    roll = random.random()
    if roll < 0.3:
        question, groups, answer = about_things(language)
    elif roll < 0.55:
        question, groups, answer = from_manual(language)
    elif roll < 0.9:
        question, groups, answer = open_facts(language, encoder.words, random.random() < 0.35)
    else:
        question, groups, answer = from_soup(language, encoder)
    groups = [group for group in groups if group] or [[filler(language)]]
    if answer is not None and random.random() < 0.3:
        longer = extend(language, question, answer)
        groups = [[longer if text == answer else text for text in group] for group in groups]
        answer = longer
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        random.choice(groups).append(random.choice([markup, echo, echo])(language, question))
    size = lambda text: len(text) / 3.6 + 5 if language == "en" else len(text) + 5
    left = length * random.uniform(0.4, 1.0) - sum(size(text) for group in groups for text in group)
    soup = roll >= 0.9
    while left > 0:
        text = filler(language if random.random() < 0.97 else random.choice(["en", "ja"]))
        left -= size(text)
        # Around the facts about a thing, at the ends, or a paragraph of its own.
        if random.random() < 0.5:
            group = random.choice(groups)
            group.insert(random.choice([0, len(group), random.randint(0, len(group))]) if soup or group is not groups[0] else random.choice([0, len(group)]), text)
        else:
            groups.append([text])
    random.shuffle(groups)
    passages = merge(groups, random.choice([1, 2, 3, 4, 5, 6, 8]))
    place = None
    if answer is not None:
        place = next((number, passage.index(answer)) for number, passage in enumerate(passages) if answer in passage)
    return Sample(language, question, passages, place)


def merge(groups, count):
    """Paragraphs joined to so many passages."""
    groups = [list(group) for group in groups]
    while len(groups) > count:
        at = random.randrange(len(groups) - 1)
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    return groups
