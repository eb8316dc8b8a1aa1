"""What is asked of word vectors: the article's cities and examples, classes of words, words of the sexes.

Source of the examples: Lee & Trott 2023. Words are written as English writes them; a table in small letters
finds them all the same.
"""

# degrees north and west, as the article gives them
ARTICLE_CITIES = {
    "Washington": (38.9, 77.0), "New York": (40.7, 74.0), "London": (51.5, 0.1), "Paris": (48.9, -2.4),
}  # fmt: skip
ARTICLE_WORD = "cat"
ARTICLE_NEIGHBOURS = ("dog", "kitten", "pet")

# a is to b as c is to the last; the article's six, in its order
ARTICLE_ANALOGIES = (
    ("big", "biggest", "small", "smallest"),
    ("Switzerland", "Swiss", "Cambodia", "Cambodian"),
    ("Paris", "France", "Berlin", "Germany"),
    ("ethical", "unethical", "possible", "impossible"),
    ("mouse", "mice", "dollar", "dollars"),
    ("man", "woman", "king", "queen"),
)
ARTICLE_BIAS = ("man", "woman", "doctor", "nurse")

# Ten women's words, each beside its man's word
GENDER_PAIRS = (
    ("she", "he"), ("her", "his"), ("herself", "himself"), ("woman", "man"), ("women", "men"),
    ("girl", "boy"), ("mother", "father"), ("daughter", "son"), ("sister", "brother"), ("wife", "husband"),
)  # fmt: skip

# Lists that others published, for the same question
PUBLISHED_PAIRS = {
    "Bolukbasi and others 2016": (
        ("woman", "man"), ("girl", "boy"), ("she", "he"), ("mother", "father"), ("daughter", "son"),
        ("gal", "guy"), ("female", "male"), ("her", "his"), ("herself", "himself"), ("Mary", "John"),
    ),
    "Caliskan and others 2017": (
        ("female", "male"), ("woman", "man"), ("girl", "boy"), ("sister", "brother"), ("she", "he"),
        ("her", "him"), ("hers", "his"), ("daughter", "son"),
    ),
}  # fmt: skip

# Words of one kind, for "what is taught of some reaches the others"
CLASSES = {
    "animal": (
        "cat", "dog", "puppy", "horse", "cow", "pig", "sheep", "goat", "rabbit", "mouse", "lion",
        "tiger", "bear", "wolf", "fox", "elephant", "monkey", "snake", "bird", "duck", "chicken", "fish",
        "whale",
    ),
    "capital": (
        "Paris", "Berlin", "Rome", "Madrid", "Lisbon", "Vienna", "Warsaw", "Prague", "Budapest", "Athens",
        "Stockholm", "Oslo", "Copenhagen", "Moscow", "Beijing", "Tokyo", "Seoul", "Hanoi", "Cairo",
        "Nairobi", "Ottawa", "Lima", "Havana", "London",
    ),
    "country": (
        "France", "Germany", "Italy", "Spain", "Portugal", "Austria", "Poland", "Hungary", "Greece",
        "Sweden", "Norway", "Denmark", "Russia", "China", "Japan", "Vietnam", "Egypt", "Kenya", "Canada",
        "Peru", "Cuba", "India", "Brazil", "Mexico",
    ),
    "colour": (
        "red", "blue", "green", "yellow", "black", "white", "brown", "pink", "purple", "grey", "orange",
        "silver",
    ),
    "food": (
        "bread", "cheese", "butter", "milk", "rice", "soup", "cake", "sugar", "salt", "honey", "potato",
        "tomato", "onion", "banana", "apple", "lemon", "beef", "pasta", "chocolate", "salad",
    ),
    "part of the body": (
        "hand", "foot", "leg", "arm", "knee", "shoulder", "finger", "nose", "mouth", "ear", "eye", "neck",
        "chest", "skin", "bone", "heart", "brain", "stomach", "throat", "tongue",
    ),
    "first name": (
        "Mary", "John", "Susan", "Paul", "Anna", "Peter", "Emma", "David", "Laura", "Mark", "Sarah",
        "James", "Alice", "Tom", "Jane", "Henry", "Kate", "Robert", "Julia", "Simon",
    ),
    "trade": (
        "doctor", "nurse", "teacher", "lawyer", "engineer", "carpenter", "farmer", "baker", "soldier",
        "painter", "dentist", "plumber", "journalist", "singer", "actor", "clerk", "pilot", "waiter",
        "judge", "chef",
    ),
}  # fmt: skip
