"""The texts of a row, the same for a sample that is exported and for a row that is read back from a file."""

from __future__ import annotations

from msgspec import Struct

from scai_cli.datasets.samples.sample import Answer, RatingSample, Sample, whole


class RowTexts(Struct, frozen=True, gc=False):
    """The texts of one row, in the same form for every format."""

    prompt: str
    """Everything before the answer, without the system message."""
    answer: str
    """The (chosen) answer."""
    rejected: str | None = None
    label: bool | None = None
    system: str = ""
    rater: str = ""
    """Of a rating: its rater and its kind."""


def row_texts(sample: Sample) -> RowTexts:
    """Return the texts of a sample's row, without the label and the system message, which depend on the format."""
    sample = whole(sample)
    if isinstance(sample, RatingSample):
        return RowTexts(sample.prompt, sample.answer, rater=f"{sample.score.rater} {sample.score.kind}")
    prompt = "\n\n".join([turn.content for turn in sample.prompt])
    return (
        RowTexts(prompt, sample.text)
        if isinstance(sample, Answer)
        else RowTexts(prompt, sample.chosen, sample.rejected)
    )
