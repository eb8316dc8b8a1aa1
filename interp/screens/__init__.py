"""What each widget is asked and what it is told, as frozen values; how they become JSON; how one is refused.

Here the widgets and the benches meet. Refuses: computing, drawing, tensors.
"""
