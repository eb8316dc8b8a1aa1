"""Sentences of published experiments on indirect objects, word for word; `studies.replications` needs them.

{B} is S, the name said twice, and {A} is IO, as in `words.ioi`; order "ABBA" exchanges the first two names.
"""

# The eight prompts of TransformerLens' Exploratory_Analysis_Demo: frame, order, IO, S. Neighbours are twins.
EIGHT = (
    ("When {B} and {A} went to the shops, {B} gave the bag to {A}", "BABA", "Mary", "John"),
    ("When {B} and {A} went to the shops, {B} gave the bag to {A}", "ABBA", "John", "Mary"),
    ("When {B} and {A} went to the park, {B} gave the ball to {A}", "ABBA", "Tom", "James"),
    ("When {B} and {A} went to the park, {B} gave the ball to {A}", "BABA", "James", "Tom"),
    ("When {B} and {A} went to the shops, {B} gave an apple to {A}", "ABBA", "Dan", "Sid"),
    ("When {B} and {A} went to the shops, {B} gave an apple to {A}", "BABA", "Sid", "Dan"),
    ("After {B} and {A} went to the park, {B} gave a drink to {A}", "ABBA", "Martin", "Amy"),
    ("After {B} and {A} went to the park, {B} gave a drink to {A}", "BABA", "Amy", "Martin"),
)

# The pair of TransformerLens' Main_Demo: frame, order, IO, S; the second is the corrupted one
PAIR = (
    ("After {B} and {A} went to the store, {B} gave a bottle of milk to {A}", "ABBA", "John", "Mary"),
    ("After {B} and {A} went to the store, {B} gave a bottle of milk to {A}", "BABA", "Mary", "John"),
)
# ... where the second prompt, read on its own, has these ten words on top
MILK_WORDS = (" Mary", " the", " John", " them", " his", " her", " a", " their", " Jesus", " him")
# ... and the sentence that shows what the beginning-of-text token is worth
CLAIRE = "Claire and Mary went to the shops, then Mary gave a bottle of milk to"
HELLO = "Hello world!"
ABSTRACT = (
    "Natural language processing tasks, such as question answering, machine translation, reading"
    " comprehension, and summarization, are typically approached with supervised learning on"
    " taskspecific datasets."
)

# The sentence of TransformerLens' Head_Detector_Demo
DETECTED = (
    "The head detector feature for TransformerLens allows users to check for various common heads"
    " automatically, reducing the cost of discovery."
)

# The 25 prompts of ARENA 3.0's exercise (seed 1): number of the template there, template of `words.ioi`,
# order, place, object, IO, S, and the three names of the ABC twin in the order of the sentence
ARENA = (
    (0, 6, "ABBA", "store", "snack", "Victoria", "Jane", ("Alan", "Sullivan", "Adam")),
    (4, 6, "BABA", "garden", "necklace", "Rose", "Sullivan", ("Marcus", "Max", "Jeremy")),
    (0, 6, "ABBA", "store", "drink", "Alan", "Alex", ("Jay", "Jason", "Jacob")),
    (10, 4, "BABA", "", "", "Crystal", "Jessica", ("Joshua", "Jack", "Grant")),
    (12, 2, "ABBA", "school", "necklace", "Jonathan", "Kevin", ("Alice", "Mark", "Carter")),
    (3, 5, "ABBA", "station", "computer", "Prince", "Daniel", ("Eva", "Sarah", "Aaron")),
    (0, 6, "ABBA", "garden", "bone", "Jeremy", "Warren", ("Robert", "Connor", "Ryan")),
    (10, 4, "BABA", "", "", "Rose", "Frank", ("Ian", "Maria", "Leon")),
    (8, 0, "ABBA", "hospital", "computer", "Victoria", "Peter", ("Prince", "David", "Alice")),
    (9, 4, "ABBA", "", "", "Kevin", "William", ("Lisa", "Lisa", "Collins")),
    (7, 1, "ABBA", "house", "drink", "Edward", "Ryan", ("Connor", "Matthew", "Justin")),
    (10, 4, "BABA", "", "", "Clark", "Jake", ("Max", "Kyle", "Marcus")),
    (7, 1, "ABBA", "restaurant", "drink", "Paul", "Laura", ("Christian", "Stephen", "Michelle")),
    (5, 5, "BABA", "station", "ring", "Kelly", "Ruby", ("Maria", "Patrick", "Grant")),
    (4, 6, "BABA", "house", "bone", "Robert", "William", ("Lewis", "Kyle", "Anna")),
    (2, 0, "BABA", "school", "basketball", "Kyle", "David", ("River", "Joseph", "Paul")),
    (6, 3, "BABA", "office", "snack", "Laura", "Jack", ("Anthony", "Lewis", "Eric")),
    (4, 6, "BABA", "store", "drink", "Paul", "Luke", ("Laura", "Jennifer", "Elizabeth")),
    (12, 2, "ABBA", "restaurant", "basketball", "Tyler", "Russell", ("Anna", "Crystal", "Kelly")),
    (6, 3, "BABA", "school", "drink", "Andre", "Kate", ("Paul", "Daniel", "Anderson")),
    (7, 1, "ABBA", "office", "ring", "Thomas", "Jacob", ("Jack", "Ruby", "Eric")),
    (8, 0, "ABBA", "office", "snack", "Louis", "Max", ("Paul", "Eva", "Victoria")),
    (9, 4, "ABBA", "", "", "Alex", "Sullivan", ("Grant", "Jacob", "Michael")),
    (13, 2, "BABA", "hospital", "ring", "Anthony", "Sullivan", ("River", "Peter", "Alice")),
    (13, 2, "BABA", "store", "snack", "Prince", "Andy", ("Warren", "Ruby", "Maria")),
)  # fmt: skip

# The names of that exercise: each one token, with a space before it and without
ARENA_NAMES = (
    "Aaron", "Adam", "Alan", "Alex", "Alice", "Amy", "Anderson", "Andre", "Andrew", "Andy", "Anna",
    "Anthony", "Arthur", "Austin", "Blake", "Brandon", "Brian", "Carter", "Charles", "Charlie", "Christian",
    "Christopher", "Clark", "Cole", "Collins", "Connor", "Crew", "Crystal", "Daniel", "David", "Dean",
    "Edward", "Elizabeth", "Emily", "Eric", "Eva", "Ford", "Frank", "George", "Georgia", "Graham", "Grant",
    "Henry", "Ian", "Jack", "Jacob", "Jake", "James", "Jamie", "Jane", "Jason", "Jay", "Jennifer", "Jeremy",
    "Jessica", "John", "Jonathan", "Jordan", "Joseph", "Joshua", "Justin", "Kate", "Kelly", "Kevin", "Kyle",
    "Laura", "Leon", "Lewis", "Lisa", "Louis", "Luke", "Madison", "Marco", "Marcus", "Maria", "Mark",
    "Martin", "Mary", "Matthew", "Max", "Michael", "Michelle", "Morgan", "Patrick", "Paul", "Peter",
    "Prince", "Rachel", "Richard", "River", "Robert", "Roman", "Rose", "Ruby", "Russell", "Ryan", "Sarah",
    "Scott", "Sean", "Simon", "Stephen", "Steven", "Sullivan", "Taylor", "Thomas", "Tyler", "Victoria",
    "Warren", "William",
)  # fmt: skip

# One pair of WinoBias, as Vig et al. 2020 asked it: which continuation is likelier after which pronoun
NURSE = {
    pronoun: f"The nurse examined the farmer for injuries because {pronoun}" for pronoun in ("she", "he")
}
CONTINUATIONS = ("was caring.", "was screaming.")
