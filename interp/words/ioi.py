"""The words of indirect object identification: names, places, objects and the fifteen templates.

Source of the templates, places and objects: Wang et al. 2022 (arXiv:2211.00593), appendix E and
figure 14. In a template, {A} is the indirect object (IO) and {B} the subject (S); each template is
kept in the order B-A (BABA), and `order="ABBA"` swaps the first two names.
"""

PLACES = ("store", "garden", "restaurant", "school", "hospital", "office", "house", "station")
OBJECTS = ("ring", "kiss", "bone", "basketball", "computer", "necklace", "drink", "snack")

FEMALE_NAMES = (
    "Mary", "Amy", "Alice", "Sarah", "Emily", "Anna", "Emma", "Kate", "Laura", "Lisa",
    "Rachel", "Rose", "Ruth", "Susan", "Julia", "Jane", "Helen", "Grace", "Linda", "Lucy",
)  # fmt: skip
MALE_NAMES = (
    "John", "Tom", "James", "Dan", "Martin", "Sam", "Bob", "Jack", "Paul", "Mark",
    "Peter", "Simon", "Adam", "David", "Kevin", "Brian", "Robert", "George", "Henry", "Eric",
)  # fmt: skip
NAMES = FEMALE_NAMES + MALE_NAMES

TEMPLATES = (
    "Then, {B} and {A} went to the {place}. {B} gave a {object} to {A}",
    "Then, {B} and {A} had a lot of fun at the {place}. {B} gave a {object} to {A}",
    "Then, {B} and {A} were working at the {place}. {B} decided to give a {object} to {A}",
    "Then, {B} and {A} were thinking about going to the {place}. {B} wanted to give a {object} to {A}",
    "Then, {B} and {A} had a long argument, and afterwards {B} said to {A}",
    "After {B} and {A} went to the {place}, {B} gave a {object} to {A}",
    "When {B} and {A} got a {object} at the {place}, {B} decided to give it to {A}",
    "When {B} and {A} got a {object} at the {place}, {B} decided to give the {object} to {A}",
    "While {B} and {A} were working at the {place}, {B} gave a {object} to {A}",
    "While {B} and {A} were commuting to the {place}, {B} gave a {object} to {A}",
    "After the lunch, {B} and {A} went to the {place}. {B} gave a {object} to {A}",
    "Afterwards, {B} and {A} went to the {place}. {B} gave a {object} to {A}",
    "Then, {B} and {A} had a long argument. Afterwards {B} said to {A}",
    "The {place} {B} and {A} went to had a {object}. {B} gave it to {A}",
    "Friends {B} and {A} found a {object} at the {place}. {B} gave it to {A}",
)

# Put in front, so that one of the two names is said twice more (the paper's figure 8 does so in other words)
SAID_MORE = "Everybody likes {X}. {X} was tired."
