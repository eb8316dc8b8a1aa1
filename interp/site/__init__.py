"""Pages that answer without Python: an embedded model packed for the browser, and GPT-2 in plain JavaScript.

A pack is a classic script that lies beside the pages, because a page opened from disk may fetch nothing. The
forward pass is an executor like the others: a test holds it beside PyTorch. Refuses: verdicts, analysis.
"""

from interp.site.packing import LARGEST, Beside, Pack, pack, packs_in, write
from interp.site.rendering import POLICY, render
from interp.site.scripts import engine, living

__all__ = ["LARGEST", "POLICY", "Beside", "Pack", "engine", "living", "pack", "packs_in", "render", "write"]
