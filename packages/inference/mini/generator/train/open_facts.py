"""Facts in words of any kind: an attribute, a thing and a value. Rivals have the same attribute or the same thing."""

import random

import english
import japanese
import manual
from names import code, company, date, money, number, path, person, place, unit_number, word_name, year


def _pick(choices):
    return random.choice(choices.split("/"))


def _english_thing(words):
    name = random.choice([word_name, word_name, company, place, code, lambda: random.choice(words)])()
    kind = random.choice([random.choice(english.NOUNS), random.choice(words)])
    more = random.choice([word_name, lambda: random.choice(words), lambda: random.choice(english.ADJECTIVES), lambda: str(random.randint(1, 900))])()
    forms = [name, f"{name} {kind}", f"the {name} {kind}", f"the {kind}", f"{kind} {name}", f"{name}'s {kind}", f"the {kind} of {name}", f"{name} {more}", f"the {more} {name} {kind}", f"{kind} {more}", f"{name} & {word_name()} {kind}", f"the {name} {kind} {more}"]
    return random.choice(forms)


def _english_attribute(words):
    pool = [random.choice(words), random.choice(words), random.choice(english.NOUNS), random.choice(english.VERBS)]
    return random.sample(pool, random.choice([1, 1, 2, 2, 3, 4]))


def _english_sibling(thing, words):
    """Another of the kind: named almost alike."""
    parts = thing.split(" ")
    at = random.randrange(len(parts))
    if parts[at] in ("the", "of", "&"):
        return _english_thing(words)
    parts[at] = number(1, 900) if parts[at].isdigit() else word_name() if parts[at][:1].isupper() else random.choice(words)
    return " ".join(parts)


def _english_statement(attribute, thing):
    first, *rest = attribute
    others = " ".join(rest)
    value = random.choice([person, place, year, date, money, path, code, lambda: number(2, 9000), lambda: unit_number("metres days kg minutes bytes")])()
    forms = [
        f"the {first} {others} of {thing} is {value}", f"{thing} {manual.third(first)} {others} {_pick('in/for/with/by/at/since')} {value}", f"{value} {manual.third(first)} the {others} of {thing}",
        f"{thing} has {number(2, 900)} {first} {others}", f"{first} {others} for {thing} {_pick('costs/takes/needs/comes from/lies in/goes to')} {value}", f"the {others} of {thing} was {manual.past(first)} {_pick('in/by/at/on')} {value}",
        f"a {first} {_pick('from/at/in/of')} {value} {others} {_pick('to/in/at/for')} {thing}", f"{_pick('by design/each year/in winter/every morning/at night/by law')} {thing} {first} {others} {value}",
    ]
    return manual.capital(" ".join(random.choice(forms).split())) + "."


def _english_question(attribute, thing):
    shown = list(attribute)
    if len(shown) > 1 and random.random() < 0.25:
        shown.pop(random.randrange(len(shown)))
    if random.random() < 0.3:
        random.shuffle(shown)
    shown = [random.choice([word, word, word, manual.third(word), manual.past(word)]) for word in shown]
    first, others = shown[0], " ".join(shown[1:])
    forms = [
        f"What is the {first} {others} of {thing}?", f"Who {first} the {others} of {thing}?", f"How many {first} {others} does {thing} have?", f"When did {thing} {first} {others}?", f"Where is the {first} {others} of {thing}?", f"Which {others} {first} {thing}?",
        f"How much does {first} {others} for {thing} cost?", f"In what year was the {first} of {thing} {others}?", f"How is {thing} {first} {others}?", f"For how many {first} {others} {thing}?", f"From where {first} {others} to {thing}?", f"At what time is {first} {others} at {thing}?",
    ]
    return " ".join(random.choice(forms).split()).replace(" ?", "?")


def _japanese_thing(words):
    name = random.choice([japanese.katakana, japanese.kanji, japanese.place, japanese.company, lambda: japanese.kanji(3)])()
    return random.choice([name, name + random.choice(japanese.NOUNS), name + japanese.kanji(), random.choice(japanese.NOUNS) + name, japanese.kanji(1) + "の" + name, f"第{random.randint(1, 90)}{name}", f"{name}{random.choice(japanese.NOUNS)}{japanese.katakana()}"])


def _japanese_sibling(thing, words):
    """Another of the kind: its first or last characters are other ones."""
    cut = random.randint(1, max(1, len(thing) - 1))
    new = random.choice([japanese.katakana, japanese.kanji, lambda: japanese.kanji(3)])()
    return new + thing[cut:] if random.random() < 0.7 else thing[:cut] + new


def _japanese_word():
    return random.choice([japanese.kanji(2), japanese.kanji(1), japanese.katakana(), random.choice(japanese.NOUNS), random.choice(japanese.VERBS)])


def _japanese_attribute(words):
    return [_japanese_word() for _ in range(random.choice([1, 2, 2, 3]))]


def _japanese_value():
    return random.choice([japanese.person, japanese.place, japanese.year, japanese.date, japanese.path, japanese.option, lambda: japanese.amount("メートル 円 人 個 時間 分 箱 行 トン 名 床"), lambda: f"{random.randint(1, 24)}時{random.randint(1, 59)}分"])()


KANA_VERBS = "始まる 終わる とれる 乗れる 買える 届く 残る 読める こねる 入る ある いる 立つ 動く 止まる 使う 作る 置く 決まる 変わる 受ける 引く 押す 開く 閉まる 育てる 運ぶ 並ぶ".split()


def _japanese_statement(attribute, thing):
    first, rest, value = attribute[0], attribute[1:], _japanese_value()
    others = random.choice(["を", "の", "に", "が"]).join(rest)
    verb = random.choice(KANA_VERBS)
    forms = [f"{thing}の{first}は{others}{value}だ", f"{thing}の{first}は{value}が{others}した", f"{thing}では{first}{others}{value}{verb}", f"{thing}には{first}が{value}{others}{verb}", f"{value}の{first}で{thing}の{others}は{verb}", f"{thing}の{first}は{value}に{others}{verb}", f"{thing}は{value}に{first}{others}した"]
    return random.choice(forms) + "。"


def _japanese_question(attribute, thing):
    shown = list(attribute)
    if len(shown) > 1 and random.random() < 0.25:
        shown.pop(random.randrange(len(shown)))
    first, rest = shown[0], shown[1:]
    others = random.choice(["を", "の", "に", "が"]).join(rest)
    verb = random.choice(KANA_VERBS)
    asks = random.choice(["誰が", "いつ", "どこで", "何時に", "どのくらい", "何を", "いくらで"])
    ends = random.choice(["ですか？", "ましたか？", "ますか？", "？", "か？"])
    return random.choice([f"{thing}の{first}{others}は{asks}{verb}{ends}", f"{thing}で{first}{others}するのは{asks[:2]}{ends}", f"{thing}の{first}は{asks}{others}し{ends}", f"{asks}{thing}の{first}を{others}し{ends}", f"{thing}の{first}が{others}{verb}のは{asks[:2]}{ends}"])


TOOLS = {
    "en": (_english_thing, _english_sibling, _english_attribute, _english_statement, _english_question),
    "ja": (_japanese_thing, _japanese_sibling, _japanese_attribute, _japanese_statement, _japanese_question),
}


def open_facts(language, words, untold):
    """Question, paragraphs, answer (None where `untold`)."""
    thing, sibling, attribute, state, ask = TOOLS[language]
    asked = thing(words)
    things = [asked, *(sibling(asked, words) if random.random() < 0.4 else thing(words) for _ in range(random.choice([0, 1, 1, 2])))]
    attributes = [attribute(words) for _ in range(random.choice([2, 3, 3, 4]))]
    question = ask(attributes[0], asked)
    answer = None if untold else state(attributes[0], asked)
    groups = []
    for index, name in enumerate(things):
        told = [state(each, name) for each in (attributes[1:] if index == 0 else random.sample(attributes, random.randint(1, len(attributes))))]
        if index == 1 and random.random() < 0.5:
            # The nearest miss: just what is asked, of another.
            told.append(state(attributes[0], name))
        if index == 0 and answer is not None:
            told.append(answer)
        random.shuffle(told)
        groups.append(told)
    return question, groups, answer
