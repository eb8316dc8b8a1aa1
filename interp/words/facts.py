"""Facts of the pocket world: countries with capital, language and continent; verbs, colours, roles.

All of them are true of the real world (each country has one listed language, also where it has more).
"""

COUNTRIES: dict[str, dict[str, str]] = {
    country: {"capital": capital, "language": language, "continent": continent}
    for country, capital, language, continent in (
        ("France", "Paris", "French", "Europe"),
        ("Poland", "Warsaw", "Polish", "Europe"),
        ("Spain", "Madrid", "Spanish", "Europe"),
        ("Italy", "Rome", "Italian", "Europe"),
        ("Germany", "Berlin", "German", "Europe"),
        ("Russia", "Moscow", "Russian", "Europe"),
        ("Greece", "Athens", "Greek", "Europe"),
        ("Norway", "Oslo", "Norwegian", "Europe"),
        ("Sweden", "Stockholm", "Swedish", "Europe"),
        ("Finland", "Helsinki", "Finnish", "Europe"),
        ("Denmark", "Copenhagen", "Danish", "Europe"),
        ("Hungary", "Budapest", "Hungarian", "Europe"),
        ("Austria", "Vienna", "German", "Europe"),
        ("Portugal", "Lisbon", "Portuguese", "Europe"),
        ("Ukraine", "Kiev", "Ukrainian", "Europe"),
        ("Bulgaria", "Sofia", "Bulgarian", "Europe"),
        ("Romania", "Bucharest", "Romanian", "Europe"),
        ("England", "London", "English", "Europe"),
        ("China", "Beijing", "Chinese", "Asia"),
        ("Japan", "Tokyo", "Japanese", "Asia"),
        ("Turkey", "Ankara", "Turkish", "Asia"),
        ("Iran", "Tehran", "Persian", "Asia"),
        ("Iraq", "Baghdad", "Arabic", "Asia"),
        ("India", "Delhi", "Hindi", "Asia"),
        ("Thailand", "Bangkok", "Thai", "Asia"),
        ("Vietnam", "Hanoi", "Vietnamese", "Asia"),
        ("Korea", "Seoul", "Korean", "Asia"),
        ("Nepal", "Kathmandu", "Nepali", "Asia"),
        ("Egypt", "Cairo", "Arabic", "Africa"),
        ("Kenya", "Nairobi", "Swahili", "Africa"),
        ("Somalia", "Mogadishu", "Somali", "Africa"),
        ("Libya", "Tripoli", "Arabic", "Africa"),
        ("Cuba", "Havana", "Spanish", "America"),
        ("Peru", "Lima", "Spanish", "America"),
        ("Chile", "Santiago", "Spanish", "America"),
        ("Canada", "Ottawa", "English", "America"),
    )
}
RELATIONS = ("capital", "language", "continent")

PAST_TENSE = {
    "walk": "walked", "jump": "jumped", "cook": "cooked", "paint": "painted", "clean": "cleaned",
    "open": "opened", "play": "played", "work": "worked", "call": "called", "help": "helped",
    "watch": "watched", "wash": "washed", "climb": "climbed", "push": "pushed", "visit": "visited",
    "laugh": "laughed", "wait": "waited", "talk": "talked", "sing": "sang", "run": "ran",
    "eat": "ate", "write": "wrote", "swim": "swam", "speak": "spoke", "drive": "drove",
    "sleep": "slept", "fall": "fell", "win": "won", "teach": "taught", "sell": "sold",
}  # fmt: skip

COLOURS = (
    "brown", "silver", "red", "blue", "green", "white", "black", "yellow",
    "purple", "orange", "grey", "pink", "golden", "violet", "copper", "ivory",
)  # fmt: skip

ROLES = (
    "doctor", "farmer", "teacher", "nurse", "baker", "painter", "singer", "driver",
    "lawyer", "pilot", "cook", "guard",
)  # fmt: skip
