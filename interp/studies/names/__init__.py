"""Who gets the drink? How a model finds the name (C8, C9): the task, its circuit, its heads."""
