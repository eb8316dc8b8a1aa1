"""What small trainings show of learning, scale and belief (C17 to C21): on models of our own making."""
