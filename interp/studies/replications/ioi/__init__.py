"""Indirect objects in GPT-2 small, as others measured them: one module per source."""

from interp.studies.replications.ioi import (
    arena,
    drawn,
    exploratory,
    head_detector,
    main_demo,
    patched,
    taken_apart,
)

MEASURES = {
    **exploratory.MEASURES,
    **patched.MEASURES,
    **main_demo.MEASURES,
    **head_detector.MEASURES,
    **arena.MEASURES,
    **drawn.MEASURES,
    **taken_apart.MEASURES,
}
