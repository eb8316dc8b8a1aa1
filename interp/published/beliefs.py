"""Published scores on stories with a false belief, and how they changed from version to version. Quoted only.

Kosinski, "Theory of mind ...": arXiv:2302.02083, first versions of February and March 2023 (the article's
source); PNAS 121 (2024), e2405460121, where a task counts only if three controls and all four reversed
stories are right as well.
"""

MODELS = ("GPT-1, GPT-2", "GPT-3 (2020)", "davinci-003 (2022)", "GPT-4 (2023)")
SCORES = {
    "early 2023": (0.0, 0.40, 0.90, 0.95),
    "with controls, 2024": (0.0, 0.0, 0.20, 0.75),
}
