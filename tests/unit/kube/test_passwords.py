"""Passwords of BGP peers are read from the Secrets that BGPPeers name, and shown nowhere."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.kube.defaults import with_defaults
from vipcast.kube.passwords import TYPE, Passwords, named, parse_password
from vipcast.model.errors import ParseError
from vipcast.model.objects import Key
from vipcast.model.raw import SECRET, Raw, Ref

NAMESPACE = "metallb-system"
ROUTER, OTHER = Key(NAMESPACE, "router"), Key(NAMESPACE, "other")
HIDDEN = "hunter2"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("YQ=="),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["passwordSecret", "name", "password"]), inner
        )
    ),
    max_leaves=6,
)


def secret(value: object = HIDDEN, kind: str | None = TYPE, key: str = "password") -> Raw:
    """A Secret as a file has it; bytes go under `data`, text under `stringData`."""
    data = {key: b64encode(value).decode()} if isinstance(value, bytes) else {key: value}
    part = "data" if isinstance(value, bytes) else "stringData"
    typed = {} if kind is None else {"type": kind}
    metadata = {"name": ROUTER.name, "namespace": NAMESPACE}
    return with_defaults(SECRET, {"metadata": metadata, part: data, **typed})


def peer(wanted: object, name: str = "rack") -> Raw:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"metadata": metadata, "spec": {"passwordSecret": wanted}}


def refused(raw: Raw) -> tuple[str, str, str, str]:
    """Object, field, value and message of the only finding, which has a fix and shows nothing."""
    with pytest.raises(ParseError) as caught:
        parse_password(raw)
    (found,) = caught.value.findings
    assert found.fix.endswith(".")
    assert HIDDEN not in str(found)
    return found.object, found.field, found.value, found.message


def test_a_password_is_the_bytes_that_stand_there() -> None:
    assert parse_password(secret(HIDDEN)) == b"hunter2"
    assert parse_password(secret("zwölf")) == "zwölf".encode()
    assert parse_password(secret(b" \x00\xff ")) == b" \x00\xff "
    assert parse_password(secret(b"x" * 80)) == b"x" * 80


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_at_the_end_does_not_count(end: str) -> None:
    assert parse_password(secret(HIDDEN + end)) == b"hunter2"
    assert parse_password(secret("x" * 80 + end)) == b"x" * 80
    assert parse_password(secret(HIDDEN + end + end)) == f"hunter2{end}".encode()


@pytest.mark.parametrize(("kind", "shown"), [(None, "Opaque"), ("kubernetes.io/tls",) * 2])
def test_a_secret_of_another_type_is_refused_by_its_type(kind: str | None, shown: str) -> None:
    message = f"A BGPPeer takes its password from here, and this is no Secret of type {TYPE}."
    assert refused(secret(kind=kind)) == (f"Secret {ROUTER}", "type", shown, message)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (secret(key="pass"), "There is no such key, or it holds nothing."),
        (secret(""), "There is no such key, or it holds nothing."),
        (secret(b""), "There is no such key, or it holds nothing."),
        (secret("\n"), "It holds nothing but a line break."),
        (secret("x" * 81), "It is longer than 80 bytes, and TCP-MD5 takes no more."),
        (secret("ä" * 41), "It is longer than 80 bytes, and TCP-MD5 takes no more."),
        ({**secret(), "data": {"password": f"{HIDDEN}!"}}, "The value is not base64."),
        ({**secret(), "data": {"password": [HIDDEN]}}, "It must be text."),
    ],
)
def test_what_is_no_password_is_refused_and_not_shown(raw: Raw, message: str) -> None:
    assert refused(raw) == (f"Secret {ROUTER}", "data.password", "", message)


def test_a_secret_whose_data_are_text_does_not_show_it() -> None:
    assert refused({**secret(), "data": HIDDEN})[2:] == (
        "",
        "It must be a mapping of keys to values.",
    )


@given(JSON)
def test_whatever_stands_in_a_secret_is_a_password_or_a_finding(value: Any) -> None:
    one = Passwords()
    one.look({ROUTER}, {ROUTER: {**secret(), "data": value}})
    found = one.get(ROUTER)
    told = one.findings.get(Ref(SECRET, ROUTER), ())
    assert [each.value for each in told] == ([""] if found is None else [])
    assert found is None or 1 <= len(found) <= 80


def test_peers_name_secrets_of_their_own_namespace() -> None:
    elsewhere = peer({"name": "other", "namespace": "default"})
    assert named([peer({"name": "router"}), elsewhere]) == {ROUTER, OTHER}


@given(st.one_of(JSON, st.fixed_dictionaries({"spec": JSON, "metadata": JSON})))
def test_a_peer_that_names_none_names_none_whatever_it_says(value: Any) -> None:
    raw = value if isinstance(value, dict) else {"spec": {"passwordSecret": value}}
    assert all(key.name for key in named([raw]))


def test_a_password_that_is_another_is_told() -> None:
    one = Passwords()
    assert one.get(ROUTER) is None
    assert one.look({ROUTER}, {ROUTER: secret("a")})
    assert one.get(ROUTER) == b"a"
    assert not one.look({ROUTER}, {ROUTER: secret("a")})
    assert one.look({ROUTER}, {ROUTER: secret("b")})
    assert one.get(ROUTER) == b"b"


def test_one_that_is_spoilt_stays_as_it_was_and_goes_with_its_secret() -> None:
    one = Passwords()
    one.look({ROUTER}, {ROUTER: secret("a")})
    assert not one.look({ROUTER}, {ROUTER: secret("")})
    assert one.get(ROUTER) == b"a"
    assert [each.kept for each in one.findings[Ref(SECRET, ROUTER)]] == [True]
    assert one.look({ROUTER}, {})
    assert one.get(ROUTER) is None
    assert not one.findings


def test_one_that_was_never_good_is_none() -> None:
    one = Passwords()
    assert not one.look({ROUTER}, {ROUTER: secret("")})
    assert one.get(ROUTER) is None
    assert [each.kept for each in one.findings[Ref(SECRET, ROUTER)]] == [False]


def test_of_secrets_that_no_peer_names_nothing_is_expected() -> None:
    one = Passwords()
    assert one.look(frozenset(), {ROUTER: secret("a"), OTHER: secret("", kind=None)})
    assert (one.get(ROUTER), one.get(OTHER)) == (b"a", None)
    assert one.look(frozenset(), {ROUTER: secret("")})
    assert one.get(ROUTER) is None
    assert not one.findings
