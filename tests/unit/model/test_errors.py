"""Findings as people read them, and errors that carry several."""

from __future__ import annotations

import pytest

from vipcast.model.errors import Finding, ParseError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("lan", " = 'lan'"),
        ("192.0.2.1", " = '192.0.2.1'"),
        ("70000000000", " = 70000000000"),
        ("-1.5", " = -1.5"),
        ("true", " = true"),
        ('"80"', ' = "80"'),
        ("a b: c", " = 'a b: c'"),
    ],
)
def test_a_number_is_shown_without_quotes_that_nobody_wrote(value: str, shown: str) -> None:
    assert str(Finding("Service a/b", "spec.x", value, "No.", "Yes.")) == (
        f"Service a/b: spec.x{shown}: No. Yes."
    )


def test_an_error_of_several_findings_names_them_all() -> None:
    first, second = Finding("A", "", "", "No."), Finding("B", "", "", "Nor.")
    error = ParseError(first, second, partial=5)
    assert (error.finding, error.findings, error.partial) == (first, (first, second), 5)
    assert str(error) == "A: No.; B: Nor."
