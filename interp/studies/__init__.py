"""One module per part of the article. A study returns Results and Claims; it draws nothing."""
