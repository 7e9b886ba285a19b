"""Sentences as manuals and reports have them, and questions that share some of their words."""

import random

from english import ADJECTIVES, NOUNS, SYNONYMS, VERBS, capital
from names import code, company, date, number, path, person, place, unit_number, version, word_name, year


def noun():
    roll = random.random()
    word = random.choice(NOUNS)
    if roll < 0.25:
        return f"{random.choice(NOUNS)} {word}"
    if roll < 0.5:
        return f"{random.choice(ADJECTIVES)} {word}"
    if roll < 0.56:
        return f"{word_name()} {word}"
    return word


def option():
    stem = random.choice([random.choice(NOUNS), random.choice(VERBS), f"{random.choice(VERBS)}-{random.choice(NOUNS)}", f"no-{random.choice(NOUNS)}", word_name().lower()])
    return random.choice([f"--{stem}", f"--{stem}", f"-{random.choice('abcdefghiklmnopqrstuvwxDEFHLNPSV')}", stem.replace("-", "_").upper(), stem.replace("-", "_"), f"{stem.split('-')[0]}.{random.choice(NOUNS)}"])


def command():
    stem = random.choice([random.choice(VERBS), word_name().lower(), random.choice(NOUNS)])
    return random.choice([stem, f"{stem} {random.choice(VERBS)}", f"{stem} {option()}", f"{stem}ctl {random.choice(VERBS)}", f"sudo {stem}"])


def third(verb):
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s") if not verb.endswith("y") or verb[-2:-1] in "aeiou" else verb[:-1] + "ies"


def past(verb):
    irregular = {"begin": "begun", "build": "built", "cut": "cut", "draw": "drawn", "drop": "dropped", "get": "got", "hold": "held", "keep": "kept", "make": "made", "put": "put", "read": "read", "rebuild": "rebuilt",
                 "reset": "reset", "run": "run", "send": "sent", "set": "set", "show": "shown", "shut": "shut", "skip": "skipped", "split": "split", "trim": "trimmed", "write": "written", "overwrite": "overwritten", "stop": "stopped", "submit": "submitted"}
    if verb in irregular:
        return irregular[verb]
    return verb + "d" if verb.endswith("e") else verb[:-1] + "ied" if verb.endswith("y") and verb[-2:-1] not in "aeiou" else verb + "ed"


def gerund(verb):
    if verb in ("run", "set", "drop", "stop", "trim", "skip", "reset", "shut", "split", "begin"):
        return verb + verb[-1] + "ing"
    return verb[:-1] + "ing" if verb.endswith("e") and not verb.endswith("ee") else verb + "ing"


def value():
    return random.choice([lambda: number(2, 90000), lambda: unit_number("seconds minutes MB bytes days mm percent hours lines"), path, option, version, lambda: random.choice(["yes", "no", "on", "off", "true", "false", "never", "always"]), lambda: f"“{noun()}”"])()


# Statement | questions. {a} {b} {c} are nouns, {v} {w} verbs, {o} an option, {m} a command, {x} a value, {f} a path.
FORMS = """The {a} {v+s} the {b}.|What does the {a} {v}?|What {v+s} the {b}?|Which part {v+s} the {b}?
The {a} is used to {v} the {b}.|What is the {a} used for?|What is used to {v} the {b}?|What is the purpose of the {a}?|What does the {a} do?
To {v} the {b}, run {m}.|How do I {v} the {b}?|How can the {b} be {v+d}?|Which command {v+s} the {b}?|What must be run to {v} the {b}?|What do I do to {v} the {b}?
To {v} the {b}, first {w} the {a}.|How do I {v} the {b}?|What comes before {v+g} the {b}?|What must be done to {v} the {b}?|What do I have to do first to {v} the {b}?
You can {v} the {b} with {m}.|How can I {v} the {b}?|How is the {b} {v+d}?|With which command can the {b} be {v+d}?|How to {v} the {b}?
{o} sets the {a} of the {b}.|Which option sets the {a} of the {b}?|What does {o} do?|How do I set the {a} of the {b}?|How is the {a} of the {b} chosen?
{o}: {v} the {a} before the {b}.|What does {o} do?|What is {o} for?|Which option {v+s} the {a} before the {b}?
With {o}, the {a} {v+s} the {b}.|What does {o} do?|What happens with {o}?|When does the {a} {v} the {b}?|Which option makes the {a} {v} the {b}?
The option {o} tells the {a} to {v} the {b}.|What does the option {o} do?|Which option tells the {a} to {v} the {b}?|How do I make the {a} {v} the {b}?
The default {a} is {x}.|What is the default {a}?|Which {a} is used by default?|What {a} is used if none is given?|What is the {a} unless it is set?
The {a} of the {b} defaults to {x}.|What is the default {a} of the {b}?|What does the {a} of the {b} default to?|What is the standard value of the {a} of the {b}?
The {a} is stored in {f}.|Where is the {a} stored?|In which file is the {a}?|Where do I find the {a}?|Where is the {a} kept?
The {a} is read from {f} when the {b} starts.|Where is the {a} read from?|From which file does the {a} come?|What is read when the {b} starts?
The {a} must not exceed {n}.|What is the maximum {a}?|How large can the {a} be?|What is the limit of the {a}?|How much {a} is allowed?
At most {n} are allowed for the {a}.|What is the maximum of the {a}?|How many are allowed for the {a}?|What limit does the {a} have?
The {a} must be at least {n}.|What is the minimum {a}?|How small can the {a} be?|How much {a} is needed at least?
If the {a} is {v+d}, the {b} {w+s}.|What happens if the {a} is {v+d}?|When does the {b} {w}?|What happens when the {a} gets {v+d}?|What does the {b} do if the {a} is {v+d}?
When the {a} {v+s}, the {b} is {w+d}.|What happens when the {a} {v+s}?|When is the {b} {w+d}?|What happens to the {b} when the {a} {v+s}?
If {x} is shown, {v} the {a}.|What should I do if {x} is shown?|What does {x} mean?|What if {x} appears?
{A} are {v+d} every {n}.|How often are {a} {v+d}?|What is {v+d} every {n}?|At what interval are {a} {v+d}?
{A} are {v+d} by the {b}.|What are {a} {v+d} by?|What {v+s} {a}?|Who {v+s} {a}?|How are {a} {v+d}?
Do not {v} the {a} while the {b} is {w+d}.|When should the {a} not be {v+d}?|What must not be done while the {b} is {w+d}?|May I {v} the {a} while the {b} is {w+d}?
Never {v} the {a} without {w+g} the {b}.|What must be done before {v+g} the {a}?|What should never be {v+d} without {w+g} the {b}?|How must the {a} be {v+d}?
A {a} is a {b} that {v+s} the {c}.|What is a {a}?|What does {a} mean?|Define {a}.|What {v+s} the {c}?|What is meant by a {a}?
The {a} consists of a {b} and a {c}.|What does the {a} consist of?|What are the parts of the {a}?|What is the {a} made of?|Which parts does the {a} have?
The {a} is connected to the {b} by the {c}.|How is the {a} connected to the {b}?|What connects the {a} to the {b}?|What is the {a} connected to?
The {a} is located below the {b}.|Where is the {a}?|Where is the {a} located?|What is located below the {b}?|Where do I find the {a}?
Because the {a} {v+s}, the {b} cannot {w}.|Why can the {b} not {w}?|What is the reason that the {b} cannot {w}?|Why does the {b} not {w}?
The {b} is {v+d} because the {a} {w+s}.|Why is the {b} {v+d}?|What is the reason for {v+g} the {b}?
The {a} requires the {b}.|What does the {a} require?|What requires the {b}?|What is needed for the {a}?|What does the {a} need?
The {a} supports {b}, {c} and {d}.|What does the {a} support?|Which things are supported by the {a}?|Does the {a} support {c}?
{p} {v+d} the {a} in {y}.|Who {v+d} the {a}?|When was the {a} {v+d}?|When did {p} {v} the {a}?|In what year was the {a} {v+d}?
The {a} was {v+d} by {p} on {t}.|Who {v+d} the {a}?|When was the {a} {v+d}?|On which day was the {a} {v+d}?|By whom was the {a} {v+d}?
The {a} costs {n} more than the {b}.|How much more does the {a} cost than the {b}?|What costs more than the {b}?
It takes {n} to {v} the {a}.|How long does it take to {v} the {a}?|What is the time needed to {v} the {a}?|How much time does {v+g} the {a} take?
{V} the {a} and then {w} the {b}.|What do I do after {v+g} the {a}?|What comes before {w+g} the {b}?|In which order are the {a} and the {b} handled?
The {a} has {k} {b}s.|How many {b}s does the {a} have?|How many {b}s are in the {a}?|What is the number of {b}s of the {a}?
The {a} {v+s} only if the {b} is {w+d}.|When does the {a} {v}?|Under which condition does the {a} {v}?|What must be {w+d} for the {a} to {v}?
For {w+g} the {b}, the {a} should be {v+d}.|What should be done for {w+g} the {b}?|When should the {a} be {v+d}?|What is needed for {w+g} the {b}?
The {a} returns {x} when the {b} is {v+d}.|What does the {a} return?|When does the {a} return {x}?|What is returned when the {b} is {v+d}?
Each {a} {v+s} a {b} of its own.|What does each {a} {v}?|What {v+s} a {b} of its own?|How many {b}s does each {a} {v}?
There is no {a} in the {b}.|Is there a {a} in the {b}?|Does the {b} have a {a}?|What is missing in the {b}?
This {a} was tested in {q} with {k} {b}s.|Where was the {a} tested?|With how many {b}s was the {a} tested?|In which town was the {a} tested?
The {a} differs from the {b} in the {c}.|How does the {a} differ from the {b}?|What is the difference between the {a} and the {b}?|In what does the {a} differ from the {b}?
{P} recommends {v+g} the {a} before the {b} is {w+d}.|What does {P} recommend?|Who recommends {v+g} the {a}?|When should the {a} be {v+d}?""".split("\n")
FORMS = [line.split("|") for line in FORMS]

TAILS = ["", "", "", "", "", " in the {b}", " during the {b}", " at the {a}", " of the {b}", " for {p}", " when the {b} is {v+d}", " unless {o} is given", ", which {v+s} the {b}", " (see {f})", ", but not the {b}", " and {w+s} it",
         " after {n}", ", so that the {b} can {w}", " since version {y}", " as described in section {k}"]


def slots():
    words = {letter: noun() for letter in "abcd"}
    words |= {letter: random.choice(VERBS) for letter in "vw"}
    words |= {"o": option(), "m": command(), "x": value(), "f": path(), "n": unit_number("seconds minutes MB bytes days mm percent hours kg"), "k": str(random.randint(2, 60)), "p": person(), "P": random.choice([person, company])(), "y": year(), "t": date(), "q": place()}
    return words


def fill(template, words):
    filled = template
    for letter in "vw":
        verb = words[letter]
        for mark, form in (("s", third), ("d", past), ("g", gerund)):
            filled = filled.replace(f"{{{letter}+{mark}}}", form(verb))
    filled = filled.replace("{A}", capital(words["a"]) + "s").replace("{V}", capital(words["v"]))
    for letter, word in words.items():
        filled = filled.replace(f"{{{letter}}}", word)
    return capital(filled) if not filled.startswith("-") else filled


def shifted(words):
    """The words of the question: some by a word of the same meaning, of another number, or without their adjective."""
    changed = dict(words)
    for letter in "abcdvw":
        word = words[letter]
        last = word.split(" ")[-1]
        if last in SYNONYMS and random.random() < 0.4:
            changed[letter] = word[: len(word) - len(last)] + SYNONYMS[last]
        elif letter in "abcd" and " " in word and random.random() < 0.2:
            changed[letter] = last
        elif letter in "abcd" and random.random() < 0.06:
            changed[letter] = word + "s"
    return changed


def statement(words=None):
    """One sentence of a manual, and questions that it answers."""
    form = random.choice(FORMS)
    words = words or slots()
    tail = random.choice(TAILS)
    text = fill(form[0], words)
    if tail and text.endswith("."):
        text = text[:-1] + fill("_" + tail, slots())[1:] + "."
    return text, form[1:], words


def neighbour(words):
    """A sentence that shares one or two of the words with another: it must not be taken for it."""
    other = slots()
    for letter in random.sample("abcvwo", random.choice([1, 1, 2])):
        other[letter] = words[letter]
    return statement(other)[0]


def manual_question(questions, words):
    question = fill(random.choice(questions), shifted(words) if random.random() < 0.5 else words)
    roll = random.random()
    if roll < 0.1:
        kept = [word for word in question.rstrip("?.").split(" ") if word.lower() not in STOP]
        random.shuffle(kept)
        return " ".join(kept) or question
    return question.lower() if roll < 0.2 else question


STOP = set("the a an of is are was were does do did what which how who when where why in on by to for with i can be it if at must should not may has have there from".split())


def soup_sentence(words, kept=()):
    """Words in no order that means anything: what remains to go by is that they are the same."""
    body = random.choices(words, k=random.randint(4, 16)) + list(kept)
    random.shuffle(body)
    return capital(" ".join(body)) + "."
