"""Made-up names, numbers, dates, paths and the like."""

import random

ONSETS = "b br c ch cl d dr f fl g gr h j k kl kr l m n p ph pl qu r s sc sh sk sl sp st t th tr v w y z".split()
VOWELS = "a e i o u a e i o ai ea ee ia ie oa oo ou au ö é ü".split()
CODAS = ["", "", "", "l", "n", "r", "s", "t", "m", "x", "ck", "nd", "rt", "st", "ll", "ng", "v", "z"]
ENDS = "burg ton ville ford berg stad field haven mouth wick dale stein grad pur holm more by".split()
FIRST = "Anna Maria Jun Ken Yuki Omar Lena Pavel Ines Hugo Marta Ravi Chloe Igor Nadia Tomas Emma Akira Sofia Luis Greta Amir Elsa Jonas Mei Otto Priya Sven Wanda Felix".split()
MONTHS = "January February March April May June July August September October November December".split()
WARES = "bicycles pianos clocks lenses paper boxes glass bottles rubber boots garden tools solar panels ropes tents kettles sewing machines mirrors pencils maps shoes ovens boats lamps carpets toys".split()


def syllable():
    return random.choice(ONSETS) + random.choice(VOWELS) + random.choice(CODAS)


def word_name():
    return "".join(syllable() for _ in range(random.choice([1, 2, 2, 2, 3]))).capitalize()


def person():
    first = random.choice(FIRST) if random.random() < 0.6 else word_name()
    title = random.choice(["", "", "", "", "Dr. ", "Professor ", "Ms. "])
    return title + random.choice([f"{first} {word_name()}", f"{first} {word_name()}", f"{first} {random.choice('ABCDEFGHKLMST')}. {word_name()}", f"{first} {word_name()}-{word_name()}"])


def place():
    return random.choice([word_name() + random.choice(ENDS), word_name(), "Port " + word_name(), "New " + word_name(), word_name() + " Bay"])


def company():
    stem = word_name()
    return random.choice([f"{stem} Ltd", f"{stem} Inc.", f"{stem} & {word_name()}", f"{stem} Works", f"the {stem} Institute", f"{stem} GmbH", stem, f"the {stem} Foundation", f"{stem} Labs", f"{stem} Partners"])


def number(low, high, grouped=True):
    value = int(low * (high / low) ** random.random())
    return f"{value:,}" if grouped and random.random() < 0.7 else str(value)


def unit_number(units):
    value = random.choice([str(random.randint(2, 20)), str(random.randint(10, 900)), f"{random.uniform(0.5, 90):.1f}", f"{random.randint(1000, 9000):,}"])
    return f"{value} {random.choice(units.split())}"


def quantity():
    return random.choice(WARES) + random.choice(["", " and " + random.choice(WARES)])


def year():
    return str(random.randint(1750, 2030))


def date():
    day, month = random.randint(1, 28), random.choice(MONTHS)
    return random.choice([f"{day} {month} {year()}", f"{month} {day}, {year()}", f"{month} {day}", f"{year()}-{random.randint(1, 12):02}-{day:02}"])


def money():
    value = random.choice([number(2, 900), number(1000, 90000000), f"{random.uniform(1, 90):.2f}"])
    return random.choice(["€{}", "${}", "£{}", "{} euros", "{} dollars", "¥{}", "{} francs"]).format(value)


def code():
    letters = "".join(random.choice("ABCDEFGHJKLMNPQRSTUVWXZ") for _ in range(random.choice([1, 2, 2, 3])))
    return random.choice([f"{letters}-{random.randint(1, 999)}", f"{letters}{random.randint(10, 9999)}", f"{letters}-{random.randint(1, 99)}/{random.choice('abcde')}"])


def version():
    return ".".join(str(random.randint(0, 20)) for _ in range(random.choice([2, 3])))


def path():
    parts = [random.choice("etc var usr home opt srv run".split()), word_name().lower()]
    if random.random() < 0.5:
        parts.append(word_name().lower())
    return random.choice(["/" + "/".join(parts), "/" + "/".join(parts) + random.choice([".conf", ".log", ".json", ".toml"]), "~/." + parts[1], "%" + parts[1].upper() + "%"])
