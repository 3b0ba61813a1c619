"""What a reason's word says: its sentence, and what to do about it. PURE."""

from __future__ import annotations

from vipcast.model.reasons import SENTENCES, Reason
from vipcast.model.steps import STEPS


def why(reason: str) -> str:
    """The sentence of a reason; one that this version does not know stands for itself."""
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return f"{reason}." if reason else ""


def said(reason: str, told: str = "") -> str:
    """What was told; where that is no more than the word's own sentence, with what to do."""
    general = why(reason)
    if told and told != general:
        return told
    step = next((text for word, text in STEPS.items() if word == reason), "")
    return " ".join(filter(None, (general, step)))
