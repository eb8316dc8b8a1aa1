"""Questions to a model, a folder for each. A study returns Results and Claims; it draws nothing."""
