"""Routers' configurations out of templates: lines for each neighbour, and lines on a condition."""

from __future__ import annotations

import pytest

from lab.errors import LabError
from lab.routers.template import render

TEXT = """\
# what is so
AS $asn
@each neighbours
neighbour $address {
  as $asn
?password   password $password
!password   open
}
@end
?quiet silent
!quiet loud
"""


def test_lines_come_once_for_each_and_on_a_condition_and_its_values_come_first() -> None:
    neighbours: list[dict[str, object]] = [
        {"address": "192.0.2.11", "asn": 2, "password": "x y"},
        {"address": "192.0.2.12", "password": ""},
    ]

    assert render(TEXT, {"asn": 1, "quiet": False}, {"neighbours": neighbours}) == (
        "# what is so\n"
        "AS 1\n"
        "neighbour 192.0.2.11 {\n"
        "  as 2\n"
        "  password x y\n"
        "}\n"
        "neighbour 192.0.2.12 {\n"
        "  as 1\n"
        "  open\n"
        "}\n"
        "loud\n"
    )


def test_none_of_something_leaves_nothing() -> None:
    assert render(TEXT, {"asn": 1, "quiet": True}, {"neighbours": []}) == (
        "# what is so\nAS 1\nsilent\n"
    )


@pytest.mark.parametrize("text", ["AS $other", "?other line", "!other line", "@each other\n@end"])
def test_a_value_that_there_is_not_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(LabError, match="no value 'other'"):
        render(text, {"asn": 1}, {"neighbours": []})
