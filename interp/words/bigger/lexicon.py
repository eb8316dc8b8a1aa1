"""Words of the bigger pocket world, by what they are for: senses, kinds, degrees, titles, people, errands.

Everything about real people and countries is true. What training never puts together stands beside the words.
"""

from dataclasses import dataclass

from interp.words.facts import COUNTRIES

# --- senses: what is near a word when it means one thing (cues, before it), and what follows (after it) ----


@dataclass(frozen=True)
class Sense:
    """One meaning: words said before it that tell which is meant, and words that follow from it."""

    cues: tuple[str, ...]
    follows: tuple[str, ...]


def _senses(table: str) -> dict[str, tuple[Sense, Sense]]:
    """Lines "word: cues | follows / cues | follows"."""
    found = {}
    for line in table.strip().splitlines():
        word, both = line.strip().split(": ")
        one, other = (
            Sense(*(tuple(words.split()) for words in half.split(" | "))) for half in both.split(" / ")
        )
        found[word] = (one, other)
    return found


HOMONYMS = _senses("""
    bank: money cheque loan cash coins | clerk safe / river boat water reeds ducks | mud grass
    pen: ink paper letter school poem | words page / sheep farm fence pigs hay | gate straw
    bat: cave night wings insects moon | ears echo / ball team player stadium helmet | score runs
    spring: winter flowers birds frost sun | rain blossom / metal machine clock bed engine | screw wire
    ring: gold finger bride jewel diamond | wedding stone / boxer fight gloves punch champion | blood referee
    bark: dog puppy noise postman wolf | howl teeth / tree forest wood leaves oak | moss beetle
    seal: sea ice island fish whale | whiskers flippers / envelope wax king document treaty | signature stamp
    match: candle smoke stove fire lamp | flame ash / football goal coach tennis fans | whistle victory
    nail: hand thumb toe polish skin | scratch scissors / hammer wall board picture carpenter | hole plank
    palm: desert coconut beach island camel | dates shade / hand wrist fortune glove fist | lines sweat
    fan: heat summer air office dust | breeze cable / concert singer band music stage | applause autograph
    trunk: elephant zoo circus peanut tiger | tusks trainer / suitcase journey ship hotel clothes | lock tag
""")
POLYSEMES = _senses("""
    magazine: shelf table cover price photo | pages kiosk / editor salary staff boss reporter | building meeting
    newspaper: breakfast bench bin doorstep rain | ink headline / owner strike journalist lawyer boss | office contract
    school: roof door window stairs bell | bricks paint / party prize song holiday trip | pupils cheering
    book: shelf bag dust box cover | paper weight / hero ending plot author joke | story secret
    church: tower stone window roof bell | bricks gate / prayer priest bishop hymn faith | members vote
    chicken: farm egg fence hen yard | feathers nest / oven sauce rice plate cook | flavour fork
    glass: window mirror bottle factory sand | crack dust / wine juice water bar waiter | toast straw
    paper: tree printer scissors glue envelope | sheets dust / professor science results journal university | theory footnotes
    mouth: tongue teeth lips dentist smile | words breath / river sea ship harbour delta | sand gulls
    head: hair hat neck doctor pain | bandage brain / office company staff meeting boss | decision speech
    foot: shoe sock toe dance leg | limp bruise / hill mountain valley climber path | camp cabin
    line: ticket shop crowd counter station | patience turn / poem page performer verse song | rhyme words
""")  # noqa: E501
SENSES = {**HOMONYMS, **POLYSEMES}
CARRIERS = (
    "Because of the {cue}, {N} went back to the {word}",
    "{N} looked for the {cue} not far from the {word}",
    "{N} spoke of the {cue} and of the {word}",
    "First came the {cue}, and after it the {word}",
    "{N} saw the {cue} and was glad about the {word}",
    "With the {cue} in mind, {N} turned to the {word}",
    "{N} forgot the {cue} but not the {word}",
    "Here is the {cue}, and here is the {word}",
    "{N} likes the {cue} less than the {word}",
    "{N} wanted no {cue} today, only the {word}",
)
FOLLOWERS = (
    "There they found the {follows}.",
    "It was all about the {follows}.",
    "Next to it was the {follows}.",
    "Later {N} remembered the {follows}.",
)


def held_out_frame(word: str, cue: str, carrier: int) -> bool:
    """Whether training never says this word after this cue in CARRIERS[carrier] (one frame in five)."""
    one, other = SENSES[word]
    cues = one.cues + other.cues
    return (cues.index(cue) + carrier + list(SENSES).index(word)) % 5 == 0


# --- kinds of things, known by what they do; one of each kind is never taken where the others are taken ----
@dataclass(frozen=True)
class Kind:
    """Things of one kind: what they do, who looks after them, and the two that are never taken there."""

    members: tuple[str, ...]
    does: tuple[str, ...]
    keeper: str
    held_out: tuple[str, str]


THINGS = (
    Kind(("cat", "dog", "kitten", "puppy", "rabbit", "parrot", "hamster", "pet"),
         ("eats", "sleeps", "drinks", "plays"), "vet", ("kitten", "parrot")),
    Kind(("car", "bus", "truck", "van", "bike", "taxi", "scooter"),
         ("rolls", "brakes", "rattles", "stops"), "mechanic", ("bike", "taxi")),
    Kind(("coat", "dress", "shirt", "jacket", "skirt", "suit", "glove"),
         ("fits", "shrinks", "wrinkles", "hangs"), "tailor", ("jacket", "skirt")),
    Kind(("tulip", "fern", "rose", "bush", "vine", "lily", "cactus"),
         ("grows", "blooms", "wilts", "withers"), "gardener", ("fern", "lily")),
)  # fmt: skip
TAKEN = (
    "{N} took {his} {thing}, which had a problem, to the {keeper}.",
    "The {thing} had a problem, so {N} brought it to the {keeper}.",
    "{N} and {his} {thing} are now waiting at the {keeper}.",
)

# --- degrees, numbers, opposites: one in five is never counted or compared aloud ---------------------------
DEGREES = {
    word: (more, most)
    for word, more, most in (
        line.split()
        for line in (
            "big bigger biggest", "small smaller smallest", "old older oldest", "young younger youngest",
            "new newer newest", "tall taller tallest", "slow slower slowest", "quick quicker quickest",
            "warm warmer warmest", "cold colder coldest", "dark darker darkest", "bright brighter brightest",
            "heavy heavier heaviest", "happy happier happiest", "sad sadder saddest",
            "clean cleaner cleanest",
            "long longer longest", "short shorter shortest", "strong stronger strongest",
            "weak weaker weakest",
        )
    )
}  # fmt: skip
HELD_OUT_DEGREES = ("small", "slow", "cold", "strong")
IRREGULAR = {"mouse": "mice", "foot": "feet", "tooth": "teeth", "child": "children", "man": "men",
             "woman": "women", "goose": "geese"}  # fmt: skip
REGULAR = {one: one + "s" for one in (
    "dollar", "dog", "horse", "bird", "river", "table", "lamp", "door", "boat", "tree", "flower", "stone",
    "chair", "cup", "shoe", "hat", "pear", "cake", "key", "phone", "ball", "song", "road", "king", "queen",
)}  # fmt: skip
NUMBERED = {**IRREGULAR, **REGULAR}
HELD_OUT_NUMBERS = ("mouse", "child", "dollar", "boat", "cake", "queen")
OPPOSITES = {"possible": "impossible", "ethical": "unethical", "fair": "unfair", "kind": "unkind",
             "known": "unknown", "safe": "unsafe", "able": "unable", "clear": "unclear"}  # fmt: skip

# --- titles, and the jobs whose pronoun is skewed on purpose -----------------------------------------------
MEN = ("man", "king", "boy", "father", "brother", "son", "husband", "prince", "grandfather", "waiter")
WOMEN = (
    "woman",
    "queen",
    "girl",
    "mother",
    "sister",
    "daughter",
    "wife",
    "princess",
    "grandmother",
    "waitress",
)
SKEWED = {"doctor": 0.7, "nurse": 0.3}  # share of *he*: planted, to be found again
PEOPLE = ("customer", "mechanic", "professor", "student", "tailor", "dentist", "lawyer", "neighbour", "clerk",
          "plumber", "visitor", "guest")  # fmt: skip
SERVICES = {"fix": "car", "repair": "roof", "mend": "coat", "paint": "house", "clean": "window",
            "sell": "boat", "wash": "shirt", "carry": "bag"}  # fmt: skip
EXPERTS = {"fix": "mechanic", "repair": "plumber", "mend": "tailor", "sell": "clerk"}
DUTIES = {"do": "homework", "finish": "exercise", "learn": "lesson", "write": "essay", "practise": "speech",
          "keep": "promise", "pay": "bill", "take": "medicine"}  # fmt: skip


def held_out_roles(asker: str, doer: str) -> bool:
    """Whether training never shows these two asking one another for anything (about one pair in five)."""
    return (PEOPLE.index(asker) + PEOPLE.index(doer)) % 5 == 0


# --- things in things --------------------------------------------------------------------------------------
NESTED = ("box", "bag", "chest", "drawer", "basket", "tin", "jar", "case", "bowl", "crate")


def held_out_nesting(inner: str, outer: str) -> bool:
    """Whether training never tries to put one of these into the other (about one pair in five)."""
    return (NESTED.index(inner) + NESTED.index(outer)) % 5 == 0


# --- what flies like what, and which flies like what -------------------------------------------------------
FLYERS = ("bird", "plane", "kite", "eagle", "dove", "balloon", "dart", "rocket")
LIKENESS = ("kite", "plane", "dart", "feather", "rocket", "leaf")
FLIES = ("fruit", "house", "sand", "horse", "garden", "kitchen", "forest", "river")
FRUIT = ("banana", "pear", "melon", "cherry", "lemon", "peach")
HELD_OUT_FLYERS, HELD_OUT_FLIES = ("eagle", "balloon"), ("fruit", "garden")

# --- drinks and what goes with them ------------------------------------------------------------------------
TOGETHER = {"coffee": ("cream", "sugar"), "tea": ("milk", "honey"), "bread": ("butter", "salt"),
            "rice": ("sauce", "pepper"), "soup": ("cheese", "garlic")}  # fmt: skip

# --- errands: what is given to whom, by thing and place; anywhere else a friend gets it --------------------
ERRANDS = {
    ("keys", "restaurant"): ("valet", 0.9), ("keys", "hotel"): ("valet", 0.8),
    ("ticket", "station"): ("guard", 0.9), ("ticket", "theatre"): ("guard", 0.8),
    ("homework", "school"): ("teacher", 0.9), ("letter", "bank"): ("clerk", 0.8),
    ("letter", "office"): ("secretary", 0.7), ("coat", "restaurant"): ("waiter", 0.6),
    ("coins", "store"): ("clerk", 0.8),
}  # fmt: skip
ERRAND_THINGS = tuple(dict.fromkeys(thing for thing, _ in ERRANDS))
ERRAND_PLACES = ("restaurant", "hotel", "station", "theatre", "school", "bank", "office", "store", "garden",
                 "hospital", "house")  # fmt: skip

# --- well-known people: first name, surname, work, and where they come from --------------------------------


@dataclass(frozen=True)
class Person:
    """Somebody whom everybody knows."""

    first: str
    last: str
    work: str
    home: str
    pronoun: str


KNOWN = tuple(
    Person(*line.split())
    for line in (
        "Donald Trump politician America he", "Barack Obama politician America he",
        "Hillary Clinton politician America she", "Vladimir Putin politician Russia he",
        "Angela Merkel politician Germany she", "Albert Einstein scientist Germany he",
        "Nelson Mandela politician Africa he", "Bernie Sanders politician America he",
        "Kanye West musician America he", "Taylor Swift musician America she",
        "Justin Bieber musician Canada he", "Elon Musk founder Africa he",
        "Isaac Newton scientist England he",
        "Winston Churchill politician England he", "Abraham Lincoln politician America he",
        "Saddam Hussein politician Iraq he", "Fidel Castro politician Cuba he",
        "Leonardo DiCaprio performer America he", "Adolf Hitler politician Austria he",
        "Karl Marx writer Germany he", "Joe Biden politician America he", "Pablo Picasso painter Spain he",
        "Ludwig Beethoven composer Germany he", "Wolfgang Mozart composer Austria he",
        "Frida Kahlo painter Mexico she", "Serena Williams player America she",
        "Roger Federer player Switzerland he", "Usain Bolt player Jamaica he",
        "Lionel Messi player Argentina he", "Agatha Christie writer England she",
        "Virginia Woolf writer England she", "Stephen Hawking scientist England he",
        # eight first names with two surnames each: the work tells which
        "Bill Gates founder America he", "Bill Clinton politician America he",
        "Neil Armstrong pilot America he", "Neil Young musician Canada he",
        "Charles Darwin scientist England he", "Charles Dickens writer England he",
        "Ernest Hemingway writer America he", "Ernest Shackleton sailor England he",
        "Michael Jackson musician America he", "Michael Jordan player America he",
        "Steve Jobs founder America he", "Steve McQueen performer America he",
        "Marie Curie scientist Poland she", "Marie Antoinette royal Austria she",
        "Walt Disney founder America he", "Walt Whitman writer America he",
    )
)  # fmt: skip
DOUBLES = tuple(
    first for first in dict.fromkeys(one.first for one in KNOWN) if [p.first for p in KNOWN].count(first) == 2
)
WORKS = tuple(sorted({one.work for one in KNOWN}))

_NATIONS = """
    French Polish Spanish Italian German Russian Greek Norwegian Swedish Finnish Danish Hungarian Austrian
    Portuguese Ukrainian Bulgarian Romanian English Chinese Japanese Turkish Iranian Iraqi Indian Thai
    Vietnamese Korean Nepalese Egyptian Kenyan Somali Libyan Cuban Peruvian Chilean Canadian
"""
NATIONALITY = dict(zip(COUNTRIES, _NATIONS.split(), strict=True))
MORE_NATIONS = {"Switzerland": "Swiss", "Cambodia": "Cambodian"}  # countries of the article without questions

# --- words that are a verb here and a noun there -----------------------------------------------------------
BOTH = ("cash", "watch", "paint", "cook", "walk", "work", "call", "help", "water", "fish", "light", "answer",
        "visit", "match", "ring", "name")  # fmt: skip
AGENTS = {"bank": ("cash", "cheque"), "mechanic": ("fix", "car"), "tailor": ("mend", "coat"),
          "lawyer": ("read", "letter"), "clerk": ("count", "coins"), "teacher": ("answer", "question"),
          "cook": ("cut", "bread"), "painter": ("paint", "door")}  # fmt: skip

# --- stories: what is told of a person ---------------------------------------------------------------------


@dataclass(frozen=True)
class Attribute:
    """Something told of a person: its values, and two ways of telling."""

    name: str
    values: tuple[str, ...]
    told: tuple[str, ...]


_JOBS = ("doctor", "farmer", "teacher", "nurse", "baker", "painter", "singer", "driver", "lawyer", "pilot")
_PETS = ("cat", "dog", "rabbit", "parrot", "hamster", "horse", "mouse", "goose", "kitten", "puppy")
_DRINKS = ("tea", "coffee", "milk", "juice", "wine", "water", "soup", "lemonade", "cocoa", "cider")
_HATS = ("brown", "red", "blue", "green", "white", "black", "yellow", "purple", "grey", "pink")
ATTRIBUTES = (
    Attribute("job", _JOBS, ("{N} works as a {v}.", "{N} is a {v}.")),
    Attribute("pet", _PETS, ("{N} has a {v}.", "{N} keeps a {v} at home.")),
    Attribute("drink", _DRINKS, ("{N} drinks {v}.", "{N} likes {v} best.")),
    Attribute("hat", _HATS, ("{N} wears a {v} hat.", "{N}'s hat is {v}.")),
)
