"""Facts and rules, from layer to layer (C13 to C16): the guess, the step as a vector, who remembers."""
