"""Several kubeconfigs as one, as kubectl has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vipcast.kube.kubeconfig import merged

HOME, WORK = Path("/home/me/.kube/config"), Path("/srv/config")


def named(name: str, inner: str, **values: Any) -> dict[str, Any]:
    """An item of a list."""
    return {"name": name, inner: values}


def text(**parts: Any) -> str:
    """A file; YAML knows JSON."""
    return json.dumps({"apiVersion": "v1", "kind": "Config", **parts})


def test_who_names_something_first_counts_as_a_whole() -> None:
    first = named("red", "user", token="a")
    second = named("red", "user", username="b", password="c")
    other = named("blue", "user", token="d")
    whole = merged([(HOME, text(users=[first])), (WORK, text(users=[second, other]))])
    assert whole == {"clusters": [], "contexts": [], "users": [first, other]}


def test_the_first_that_says_which_context_is_current_counts() -> None:
    texts = [text(**{"current-context": name}) for name in ("", "x", "y")]
    whole = merged((Path(f"/{number}"), each) for number, each in enumerate(texts))
    assert whole["current-context"] == "x"


def test_what_lies_beside_a_file_is_looked_for_there() -> None:
    cluster = named("c", "cluster", server="https://h", **{"certificate-authority": "ca.crt"})
    keys = {"client-certificate": "../me.crt", "client-key": "/keys/me.key", "tokenFile": "token"}
    plugin = {"apiVersion": "v1", "command": "./login", "args": ["./x"]}
    user = named("u", "user", exec=plugin, **keys)
    whole = merged([(WORK, text(clusters=[cluster], users=[user]))])
    assert whole["clusters"][0]["cluster"]["certificate-authority"] == "/srv/ca.crt"
    found = whole["users"][0]["user"]
    assert [found[key] for key in keys] == ["/srv/../me.crt", "/keys/me.key", "/srv/token"]
    assert found["exec"] == {**plugin, "command": "/srv/login"}


def test_a_command_without_a_slash_is_that_of_the_path() -> None:
    user = named("u", "user", exec={"command": "aws"})
    assert merged([(WORK, text(users=[user]))])["users"] == [user]


def test_files_and_lists_without_anything_say_nothing() -> None:
    user = {"name": "u", "user": None}
    whole = merged([(HOME, ""), (WORK, text(users=[user], clusters=None))])
    assert whole["users"] == [{"name": "u", "user": {}}]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("a: [", "/srv/config is no YAML: while parsing"),
        ("[1]", "/srv/config holds no mapping of keys to values"),
        (text(users={}), "/srv/config: users is no list"),
        (text(users="x"), "/srv/config: users is no list"),
        (text(contexts=[{"context": {}}]), r"/srv/config: contexts\[0\] has no name"),
        (text(clusters=["x"]), r"/srv/config: clusters\[0\] has no name"),
        (
            text(clusters=[{"name": "c", "cluster": 7}]),
            r"/srv/config: clusters\[0\].cluster is no mapping",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_file(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        merged([(HOME, text()), (WORK, wrong)])
