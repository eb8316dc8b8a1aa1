"""Task-free instruments: ablation, attribution, patching. They know heads, not names or pictures."""
