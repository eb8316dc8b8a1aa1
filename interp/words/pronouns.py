"""A man and a woman, and a pronoun that can mean only one of them.

In a frame, {A} and {B} are the two names in their order; the pronoun follows them, so that it changes
nothing that stands at the names. Nothing else tells who is meant.
"""

PRONOUNS = {"man": "he", "woman": "she"}
FRAMES = (
    "Then, {A} and {B} went to the {place}. {P} gave a {object} to",
    "While {A} and {B} were working at the {place}, {P} gave a {object} to",
    "When {A} and {B} got a {object} at the {place}, {P} decided to give it to",
    "After the lunch, {A} and {B} went to the {place}. {P} gave a {object} to",
)

# The article's own case: *his* looks for a man. The sentence ends in the word that asks.
POSSESSIVES = {"man": "his", "woman": "her"}
OWNED = (
    "Then, {A} and {B} went to the {place} with {P}",
    "While {A} and {B} were working at the {place}, they found {P}",
    "When {A} and {B} got a {object} at the {place}, it was {P}",
    "After the lunch, {A} and {B} went to the {place} for {P}",
)

# The article's scene with a pronoun for the giver, and two words that belong together:
# the article's, and a pair for models that do not know it
PRONOUN_SCENE = "When Mary and John went to the store, {P} gave a drink to"
TWO_WORDS = {
    "Joe Biden": "Yesterday the reporters asked Joe Biden",
    "military base": "The army sent soldiers to the military base",
}
