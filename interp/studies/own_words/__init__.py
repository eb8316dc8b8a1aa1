"""A reader's own sentence: read, checked, and what must be said of it before any finding."""
