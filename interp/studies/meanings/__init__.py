"""What a word means here: its senses (C4), what a sentence leaves open (C5), the notes at a word (C6)."""
