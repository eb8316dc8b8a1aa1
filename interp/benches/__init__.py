"""What each widget asks of a model, computed: one bench a widget. Refuses: drawing, controls."""
