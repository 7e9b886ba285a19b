"""English facts: statements and the questions that they answer, about things with made-up names."""

import random

from names import code, company, date, money, number, path, person, place, quantity, unit_number, version, word_name, year

NOUNS = """account adapter address agent alarm alert archive argument array article backup badge balance bank barrier base basket battery beam bell
belt bill block board boiler bolt bottle bracket branch bridge browser budget buffer bundle button cabinet cable cache calendar camera
card carrier cartridge case catalog cell certificate chain chamber channel chapter chart circuit class client clock cluster coil column command
comment compiler component connection connector console container contract controller cookie copy counter course cover crane credential
cursor customer cutter cycle daemon database deadline deck default delivery deposit desk detector device dialog directory disk display
document domain door driver drum duty editor element encoder endpoint engine entry error event exhaust export fan feature fee feed field file filter
fixture flag flange folder font footer form format frame fuel function fuse garden gate gateway gauge generator grid group guard guide
handle handler hardware harness hash header heater helper hinge hook host hose image import index inlet input insert instance interface invoice
issue item job joint journal kernel key keyboard label ladder lamp layer layout lease ledger lens lever library licence light limit line link
list loader lock log logger lubricant machine magnet mailbox manager manual map marker mask meeting member memory menu message meter method mirror
mode model module monitor motor mount mouse name network node note notice number object office oil operator option order outlet output oven
owner package page panel paper parameter parcel parser part partition password patch path payment pedal permission phone pin pipe
piston plan plate platform plug plugin pointer policy pool port power press price printer probe process processor product profile program
project prompt protocol proxy pump query queue rack radio rail range rate reader receipt receiver record reference region register registry
relay release remote repair report repository request reservoir resource response result ring rod role roof room rotor route router rule safe
sample scale scanner schedule schema screen screw script seal seat section selector sensor sequence server service session setting shaft shelf shell
shield shift signal site slot socket software source space spring stack staff stage stand station status step storage store stream string
student style subscription supplier supply support switch symbol system table tag tank target task team template terminal test text thermostat
thread ticket timer token tool topic tower track tray trigger tunnel turbine type unit update upload user value valve variable vehicle vendor
vent version video view visitor voltage volume warehouse warning washer water wheel window wire wizard worker workspace zone""".split()
ADJECTIVES = """active additional automatic available back blank blue broken central clean closed cold common complete current custom daily damaged dark deep
digital direct double dry early electric empty encrypted external extra fast final first flat foreign free front full general green heavy hidden high
hot idle inner internal invalid large last late left light local locked long loose low lower main manual maximal middle minimal missing mobile modern
narrow new next nightly normal old open optional outer outgoing parallel partial pending persistent plain portable previous primary private public quick
random rare raw read-only rear recent recursive red regular remote replicated right round safe secondary separate serial shared short signed silent simple
single slow small soft solid spare special stable standard static strict strong temporary thick thin third tight top total upper urgent valid
verified virtual warm weekly wet white wide wireless yellow""".split()
VERBS = """accept activate adjust allow alter approve archive assign attach block build calculate cancel change charge check clean clear close
collect combine compare compress configure confirm connect control convert cool copy count cover create decode define delay delete deliver detect
disable discard display download drain drop enable encrypt enter erase examine execute expand export extend extract fetch filter finish flush follow
force format forward generate handle heat hold ignore import increase indicate initialize insert inspect install invoke join keep launch limit
list load lock log lower maintain manage mark match measure merge modify monitor mount move name notify offer open operate overwrite pack parse pause perform
pick place polish prevent print process produce protect provide publish pull purge push raise read rebuild receive record recover reduce refresh refuse reject
release reload remove rename repair repeat replace report represent request reserve reset resize resolve restart restore restrict resume retrieve return
revoke rotate run save scan schedule seal search select send separate serve set share shift show shut sign skip sort split start stop store
supply support suspend synchronize test tighten transfer transform translate trigger trim unlock unpack update upgrade upload validate verify warm wash watch
wrap write""".split()
# Pairs of words of which one may stand in the question and the other in the passage.
SYNONYMS = """remove:delete begin:start finish:end buy:purchase show:display select:choose repair:fix make:create permit:allow forbid:prohibit need:require use:employ
quit:exit obtain:get keep:retain build:construct check:verify halt:stop begin:launch fetch:retrieve change:modify large:big small:little quick:fast error:mistake
fault:defect machine:device folder:directory picture:image staff:personnel cost:price client:customer maximum:largest minimum:smallest
mend:repair refuse:reject wrong:incorrect empty:blank hide:conceal join:connect save:store aid:help answer:reply ask:request close:shut""".split()
SYNONYMS = {a: b for pair in SYNONYMS for a, b in [pair.split(":"), pair.split(":")[::-1]]}

# kinds of subject | value | statements / separated | questions / separated. {e} the thing, {it} the thing again, {v} the value.
RELATIONS = [
    ("org", year, "{E} was founded in {v}./{E} began {its} work in {v}./{E} was set up in {v} by a few friends./The history of {e} goes back to {v}./It was in {v} that {e} first opened {its} doors./{E} has existed since {v}./Established in {v}, {e} is older than most of {its} rivals.",
     "When was {e} founded?/In which year was {e} established?/What year did {e} start?/Since when has {e} existed?/How long has {e} been around?/When did {e} begin?"),
    ("org", person, "{E} was founded by {v}./{v} founded {e}./The founder of {e} is {v}./{v} set up {e} with borrowed money./{E} goes back to {v}, who started it in a garage.",
     "Who founded {e}?/Who is the founder of {e}?/Who started {e}?/By whom was {e} set up?/Who established {e}?"),
    ("org", place, "{E} has {its} headquarters in {v}./{E} is based in {v}./The head office of {e} is in {v}./{E} moved {its} main office to {v}./{E} is run from {v}.",
     "Where is {e} based?/Where are the headquarters of {e}?/In which city is {e} located?/Where is the head office of {e}?/Which town is {e} in?"),
    ("org", lambda: number(5, 9000), "{E} employs {v} people./{E} has {v} employees./About {v} people work for {e}./The staff of {e} numbers {v}./{E} has a workforce of {v}.",
     "How many people does {e} employ?/How many employees does {e} have?/How large is the staff of {e}?/How many people work at {e}?/What is the size of the workforce of {e}?"),
    ("org", person, "{E} is led by {v}./{v} runs {e}./The director of {e} is {v}./{v} has been the head of {e} for some time./{v} is in charge of {e}.",
     "Who leads {e}?/Who is the director of {e}?/Who runs {e}?/Who is the head of {e}?/Who is in charge of {e}?"),
    ("org", money, "{E} earned {v} last year./The turnover of {e} came to {v}./{E} had sales of {v}./Revenue at {e} reached {v}.",
     "How much did {e} earn?/What was the turnover of {e}?/What were the sales of {e}?/How high was the revenue of {e}?/How much money did {e} make?"),
    ("org thing", lambda: quantity(), "{E} makes {v}./{E} produces {v}./{v} are what {e} is known for./{E} sells {v} in many countries.",
     "What does {e} make?/What does {e} produce?/What is {e} known for?/What does {e} sell?/Which products come from {e}?"),
    ("building", year, "{E} was completed in {v}./{E} was built in {v}./The construction of {e} ended in {v}./{E} has stood since {v}./Work on {e} was finished in {v}.",
     "When was {e} built?/When was {e} completed?/In which year was {e} finished?/How old is {e}?/What year was {e} constructed?"),
    ("building", lambda: unit_number("metres feet m"), "{E} is {v} tall./{E} rises {v} above the ground./{E} has a height of {v}./The height of {e} is {v}./With {v}, {e} is the highest for miles around.",
     "How tall is {e}?/How high is {e}?/What is the height of {e}?/What height does {e} have?"),
    ("building", person, "{E} was designed by {v}./The architect of {e} was {v}./{v} drew the plans of {e}./{v} designed {e}.",
     "Who designed {e}?/Who was the architect of {e}?/Who drew the plans for {e}?/Which architect planned {e}?"),
    ("building", lambda: number(3, 900), "{E} has {v} rooms./There are {v} rooms in {e}./{E} holds {v} rooms on several floors.",
     "How many rooms does {e} have?/How many rooms are there in {e}?/What is the number of rooms in {e}?"),
    ("building", place, "{E} stands in {v}./{E} is in {v}./You find {e} near the station of {v}./{E} lies on the edge of {v}.",
     "Where is {e}?/Where does {e} stand?/In which town is {e}?/Where can {e} be found?/What is the location of {e}?"),
    ("building org", lambda: f"{random.randint(6, 11)} {random.choice(['a.m.', 'o’clock', 'in the morning'])}", "{E} opens at {v}./The doors of {e} open at {v}./Visitors are let into {e} from {v}.",
     "When does {e} open?/At what time does {e} open?/What are the opening hours of {e}?/From when can one visit {e}?"),
    ("building", money, "A ticket for {e} costs {v}./Entry to {e} is {v}./Visitors pay {v} to enter {e}./The entrance fee of {e} is {v}.",
     "How much is a ticket for {e}?/What does entry to {e} cost?/How much do visitors pay at {e}?/What is the entrance fee of {e}?"),
    ("person", date, "{E} was born on {v}./{E} came into the world on {v}./The birthday of {e} is {v}.",
     "When was {e} born?/What is the date of birth of {e}?/When is the birthday of {e}?/On which day was {e} born?"),
    ("person", place, "{E} was born in {v}./{E} grew up in {v}./{E} comes from {v}./The home town of {e} is {v}.",
     "Where was {e} born?/Where does {e} come from?/Where did {e} grow up?/What is the home town of {e}?/Which town is {e} from?"),
    ("person", lambda: random.choice("engineer teacher painter chemist nurse pilot baker lawyer sailor farmer translator librarian surgeon carpenter photographer geologist violinist accountant".split()),
     "{E} worked as a {v}./{E} was a {v} by trade./{E} earned a living as a {v}./{E} trained as a {v} first.",
     "What was the job of {e}?/What did {e} do for a living?/What was the profession of {e}?/As what did {e} work?"),
    ("person", place, "{E} lives in {v}./{E} moved to {v} later./{E} now has a house in {v}.", "Where does {e} live?/To which place did {e} move?/Where is the house of {e}?/Where does {e} reside?"),
    ("person", lambda: number(1, 9), "{E} has {v} children./{E} raised {v} children./{E} is the parent of {v} children.", "How many children does {e} have?/How many kids did {e} raise?/What is the number of children of {e}?"),
    ("person", company, "{E} joined {v} after university./{E} works for {v}./{E} is employed by {v}.", "For whom does {e} work?/Which company does {e} work for?/Who employs {e}?/Who is the employer of {e}?"),
    ("thing", lambda: unit_number("kg g kilograms grams pounds"), "{E} weighs {v}./{E} has a weight of {v}./The weight of {e} is {v}./With {v}, {e} is light enough to carry.",
     "How much does {e} weigh?/What is the weight of {e}?/How heavy is {e}?"),
    ("thing", money, "{E} costs {v}./The price of {e} is {v}./{E} sells for {v}./You can buy {e} for {v}./{E} is available for {v}.",
     "How much does {e} cost?/What is the price of {e}?/How expensive is {e}?/For how much is {e} sold?/What do you pay for {e}?"),
    ("thing", lambda: unit_number("hours minutes days"), "The battery of {e} lasts {v}./{E} runs for {v} on one charge./A full charge keeps {e} going for {v}./{E} has a battery life of {v}.",
     "How long does the battery of {e} last?/What is the battery life of {e}?/How long does {e} run on a charge?"),
    ("thing", lambda: unit_number("volts V watts W kW amperes"), "{E} needs {v}./{E} draws {v}./The power supply of {e} gives {v}./{E} is rated at {v}.",
     "How much power does {e} need?/What power does {e} draw?/What is the rating of {e}?/What does the power supply of {e} give?"),
    ("thing", lambda: unit_number("mm cm metres inches"), "{E} is {v} wide./{E} measures {v} across./The width of {e} is {v}.", "How wide is {e}?/What is the width of {e}?/What does {e} measure across?"),
    ("thing", lambda: unit_number("months years"), "The warranty of {e} lasts {v}./{E} is covered by a guarantee of {v}./The maker guarantees {e} for {v}.",
     "How long is the warranty of {e}?/For how long is {e} guaranteed?/What guarantee does {e} have?/How long is {e} under warranty?"),
    ("thing", lambda: random.choice("red blue green black white grey yellow silver brown orange purple".split()), "{E} is {v}./{E} comes in {v} only./The case of {e} is painted {v}.", "What colour is {e}?/Which color does {e} have?/In what colour does {e} come?"),
    ("thing", lambda: unit_number("°C degrees"), "{E} works up to {v}./{E} must not get hotter than {v}./The highest temperature for {e} is {v}./{E} tolerates at most {v}.",
     "What is the maximum temperature of {e}?/How hot may {e} get?/Up to what temperature does {e} work?/How much heat does {e} tolerate?"),
    ("thing", year, "{E} came out in {v}./{E} was released in {v}./{E} went on sale in {v}./{E} was first shown in {v}.", "When did {e} come out?/When was {e} released?/In what year did {e} go on sale?/When was {e} launched?/When was {e} introduced?"),
    ("thing", company, "{E} is made by {v}./The maker of {e} is {v}./{v} manufactures {e}./{v} builds {e} in small numbers.", "Who makes {e}?/Who is the maker of {e}?/Which company builds {e}?/Who manufactures {e}?"),
    ("thing software", lambda: f"{random.choice('weekly monthly yearly daily'.split())}", "{E} must be checked {v}./{E} needs a service {v}./Service of {e} takes place {v}.", "How often must {e} be checked?/How often does {e} need a service?/At what interval is {e} serviced?"),
    ("software", lambda: number(80, 65000, False), "{E} listens on port {v}./By default {e} uses port {v}./Connections to {e} go to port {v}./{E} is reached at port {v}.",
     "Which port does {e} use?/On what port does {e} listen?/What is the default port of {e}?/To which port do I connect for {e}?"),
    ("software", path, "{E} reads {its} settings from {v}./The configuration of {e} is in {v}./{E} is configured by {v}./The settings file of {e} is {v}.",
     "Where is the configuration of {e}?/Which file holds the settings of {e}?/How is {e} configured?/What configuration file does {e} read?/Where does {e} keep its settings?"),
    ("software", path, "{E} writes {its} log to {v}./The logs of {e} are found in {v}./Messages of {e} go to {v}.", "Where are the logs of {e}?/Where does {e} write its log?/Which file do messages of {e} go to?/Where is the log file of {e}?"),
    ("software", version, "The current version of {e} is {v}./{E} is at version {v} now./{v} is the latest release of {e}.", "What is the current version of {e}?/Which version of {e} is the latest?/What is the newest release of {e}?"),
    ("software", lambda: random.choice("Rust Python Go C Java Haskell Perl Ruby OCaml TypeScript Fortran Erlang".split()), "{E} is written in {v}./The programming language of {e} is {v}./{E} was rewritten in {v}.", "In which language is {e} written?/What programming language is {e} made in?/What is {e} written in?"),
    ("software", lambda: random.choice(["the MIT licence", "the GPL", "the Apache licence", "a commercial licence", "the BSD licence", "the Mozilla licence"]), "{E} is released under {v}./{E} comes with {v}./The terms of {e} are those of {v}.", "Under which licence is {e} released?/What is the licence of {e}?/What licence does {e} have?/How is {e} licensed?"),
    ("software thing", lambda: unit_number("MB GB megabytes gigabytes"), "{E} needs {v} of memory./{E} takes {v} of RAM./At least {v} of memory must be free for {e}.", "How much memory does {e} need?/How much RAM does {e} take?/What are the memory requirements of {e}?"),
    ("software", lambda: unit_number("seconds minutes ms"), "{E} gives up after {v}./The timeout of {e} is {v}./{E} waits {v} for an answer.", "What is the timeout of {e}?/How long does {e} wait?/When does {e} give up?/After how long does {e} stop waiting?"),
    ("software", person, "{E} is maintained by {v}./{v} wrote {e}./The author of {e} is {v}./{v} looks after {e}.", "Who maintains {e}?/Who wrote {e}?/Who is the author of {e}?/Who developed {e}?/Who takes care of {e}?"),
    ("place", lambda: number(900, 900000), "{E} has {v} inhabitants./The population of {e} is {v}./{v} people live in {e}.", "How many inhabitants does {e} have?/What is the population of {e}?/How many people live in {e}?/How many residents has {e}?"),
    ("place", lambda: unit_number("km miles kilometres"), "{E} is {v} from the coast./{E} lies {v} inland./It is {v} from {e} to the sea.", "How far is {e} from the coast?/How far inland is {e}?/What is the distance from {e} to the sea?"),
    ("place", person, "The mayor of {e} is {v}./{v} was elected mayor of {e}./{E} is governed by {v}.", "Who is the mayor of {e}?/Who governs {e}?/Who was elected in {e}?"),
    ("place", lambda: "the " + word_name(), "{E} lies on {v} river./The river through {e} is {v}./{E} was built on the banks of {v}.", "On which river does {e} lie?/Which river flows through {e}?/What is the river of {e} called?"),
    ("event", date, "{E} takes place on {v}./{E} will be held on {v}./{E} starts on {v}./The date of {e} is {v}.", "When is {e}?/When does {e} take place?/On which date is {e} held?/When does {e} start?/What is the date of {e}?"),
    ("event", place, "{E} takes place in {v}./{E} is held in {v}./The venue of {e} is in {v}.", "Where is {e} held?/Where does {e} take place?/In which town is {e}?/What is the venue of {e}?"),
    ("event", lambda: number(20, 9000), "{v} people came to {e}./{E} drew {v} visitors./{E} had {v} guests.", "How many people came to {e}?/How many visitors did {e} have?/How many attended {e}?/What was the attendance of {e}?"),
    ("event", person, "{E} was won by {v}./{v} won {e}./The winner of {e} was {v}.", "Who won {e}?/Who was the winner of {e}?/By whom was {e} won?"),
    ("event", person, "{v} organizes {e}./{E} is organized by {v}./The organizer of {e} is {v}.", "Who organizes {e}?/Who is the organizer of {e}?/Who arranges {e}?"),
]

GENERIC_THINGS = {"org": "company firm society club office agency".split(), "building": "tower hall bridge museum library station".split(), "person": ["person"],
                  "thing": "device machine pump camera model unit".split(), "software": "program tool server service daemon".split(), "place": "town city village".split(), "event": "festival meeting race conference".split()}


def subject(kind):
    """A name and the words that may stand for it later."""
    stem = word_name()
    if kind == "org":
        return company(), "the " + random.choice(GENERIC_THINGS[kind]), "its"
    if kind == "person":
        return person(), random.choice(["he", "she"]), random.choice(["his", "her"])
    noun = random.choice(GENERIC_THINGS[kind])
    if kind == "building":
        form = random.choice(["the {s} {N}", "{s} {N}", "the {N} of {s}", "the {n} in {s}"])
    elif kind == "thing":
        form = random.choice(["the {s}", "the {s} {c}", "{s} {c}", "the {s} {n}", "the {a} {x}", "the {x}", "the {x} {y}"])
    elif kind == "software":
        form = random.choice(["{s}", "{l}", "{l}-{n}", "{l}{n}", "the {n} {l}", "the {x} {n}", "the {x} {y}"])
    elif kind == "place":
        return place(), "the " + noun, "its"
    else:
        form = random.choice(["the {s} {N}", "the {N} of {s}", "the {x} {n}", "the {n}"])
    name = form.format(s=stem, n=noun, N=noun.capitalize(), c=code(), l=stem.lower(), a=random.choice(ADJECTIVES), x=random.choice(NOUNS), y=random.choice(NOUNS))
    return name, random.choice(["it", "the " + noun]), "its"


def capital(text):
    return text[:1].upper() + text[1:]


def state(template, name, its, value):
    return capital(template.format(e=name, E=capital(name), its=its, v=value))


EXTRAS = [", as far as is known", " at present", " according to the yearly report", ", which surprised many", ", more than before", " in the end", ", as the manual says", ", unless stated otherwise"]
OPENINGS = ["In fact, ", "Today, ", "As of now, ", "Note that ", "According to {p}, ", "In most cases ", "After long talks, ", "At that time, "]


def dress(sentence):
    """The same statement with something around it."""
    if random.random() < 0.15 and sentence.endswith("."):
        sentence = sentence[:-1] + random.choice(EXTRAS) + "."
    if random.random() < 0.12:
        first = sentence.split(" ", 1)[0]
        rest = sentence if first[:1].isupper() and first.lower() not in ("the", "it", "a") else sentence[:1].lower() + sentence[1:]
        sentence = random.choice(OPENINGS).format(p=person()) + rest
    return sentence


def ask(template, name):
    question = template.format(e=name, E=capital(name), its="its")
    roll = random.random()
    if roll < 0.06:
        question = question.lower()
    elif roll < 0.12:
        question = question.rstrip("?")
    elif roll < 0.18:
        question = random.choice(["Please tell me: ", "I want to know: ", "Tell me, "]) + question[:1].lower() + question[1:]
    elif roll < 0.22:
        question = "Do you know " + question[:1].lower() + question[1:]
    return question


PARSED = [(kinds.split(), value, statements.split("/"), questions.split("/")) for kinds, value, statements, questions in RELATIONS]
# A path has slashes of its own, so values are filled in after splitting.
BY_KIND = {kind: [relation for relation in PARSED if kind in relation[0]] for kind in GENERIC_THINGS}


def facts(count, kind=None, among=None):
    """Statements about one thing: [(sentence with its name, sentence with a word for it, questions)], and the thing's name."""
    kind = kind or random.choice(list(GENERIC_THINGS))
    name, again, its = subject(kind)
    relations = random.sample(BY_KIND[kind], min(count, len(BY_KIND[kind])))
    if among is not None:
        relations = [relation for relation in BY_KIND[kind] if relation[3] in among]
    found = []
    for _, value, statements, questions in relations:
        drawn = capital(value()) if callable(value) else value
        template = random.choice(statements)
        shown = drawn if template.startswith("{v}") else drawn[:1].lower() + drawn[1:] if drawn.split(" ")[0].lower() in ("the", "a", "an") else drawn
        if drawn.islower() or value.__name__ == "<lambda>" and not template.startswith("{v}"):
            shown = drawn if drawn[:1].isdigit() else (value_case(drawn))
        found.append((state(template, name, its, shown), state(template, again, its, shown), questions))
    return kind, name, again, found


def value_case(text):
    return text if text.split(" ")[0] in ("Rust Python Go C Java Haskell Perl Ruby OCaml TypeScript Fortran Erlang".split()) else text[:1].lower() + text[1:]


def unstated(kind, name, relations_taken):
    """A question about the thing that none of its facts answers."""
    others = [relation for relation in BY_KIND[kind] if relation[3] not in relations_taken]
    return ask(random.choice(random.choice(others)[3]), name) if others else None
