"""A bad configuration never replaces a good one, and neither does none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import OBJECT, config_map, findings, good, pool, pools
from vipcast.config import Config, ConfigKeeper, ConfigState
from vipcast.model.errors import Finding

GOOD, OTHER = pools(pool()), pools(pool("[198.51.100.0/24]"))
BAD = pools(pool("[192.0.2.0/99]"))


def keeper() -> ConfigKeeper:
    return ConfigKeeper("metallb-system")


def test_nothing_is_loaded_before_there_is_anything() -> None:
    assert keeper().state == ConfigState()
    assert not keeper().state.loaded


def test_a_good_configuration_is_put_in_force() -> None:
    one = keeper()
    assert one.feed(config_map(GOOD)) == ConfigState(good(GOOD), changed=True)
    assert one.state.loaded


def test_the_same_text_again_changes_nothing() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    assert one.feed(config_map(GOOD)) == ConfigState(good(GOOD))


def test_another_text_that_means_the_same_changes_nothing() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    assert one.feed(config_map(f"# a comment\n{GOOD}")) == ConfigState(good(GOOD))


def test_a_bad_configuration_leaves_the_good_one_in_force_and_says_what_is_wrong() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    expected = ConfigState(good(GOOD), findings(BAD), stale=True)
    assert one.feed(config_map(BAD)) == expected
    assert one.feed(config_map(BAD)) == expected
    assert one.state.loaded


def test_the_first_configuration_may_be_bad() -> None:
    one = keeper()
    assert one.feed(config_map(BAD)) == ConfigState(None, findings(BAD), stale=True)
    assert not one.state.loaded
    assert one.feed(config_map(OTHER)) == ConfigState(good(OTHER), changed=True)


def test_after_a_bad_one_the_former_good_one_is_no_change() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    one.feed(config_map(BAD))
    assert one.feed(config_map(GOOD)) == ConfigState(good(GOOD))


def test_a_config_map_that_goes_leaves_the_last_good_one_in_force() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    gone = Finding(
        OBJECT,
        "",
        "",
        "The ConfigMap is gone; the last configuration stays in force.",
        "Put it back.",
    )
    assert one.feed(None) == ConfigState(good(GOOD), (gone,), stale=True)
    assert one.feed(config_map(GOOD)) == ConfigState(good(GOOD))


def test_a_config_map_that_was_never_there_is_a_finding() -> None:
    missing = Finding(
        OBJECT,
        "",
        "",
        "There is no such ConfigMap, so no Service gets an address.",
        "Create it with the pools under data.config.",
    )
    assert keeper().feed(None) == ConfigState(None, (missing,), stale=True)


def test_a_config_map_in_another_namespace_is_pointed_at() -> None:
    elsewhere = Finding(
        OBJECT,
        "metadata.namespace",
        "default",
        "The ConfigMap was found in namespace default, looked for in metallb-system.",
        "Move it to metallb-system, or start with --namespace default.",
    )
    assert keeper().feed(None, ("default",)) == ConfigState(None, (elsewhere,), stale=True)


def test_a_config_map_without_the_key_is_bad() -> None:
    one = keeper()
    one.feed(config_map(GOOD))
    state = one.feed({"metadata": {"namespace": "metallb-system", "name": "config"}})
    assert state == ConfigState(good(GOOD), findings(None), stale=True)


@given(st.lists(st.sampled_from([GOOD, OTHER, BAD, "", None])))
def test_the_last_good_one_is_in_force_after_any_history(history: list[str | None]) -> None:
    one = keeper()
    expected: Config | None = None
    for document in history:
        state = one.feed(None if document is None else config_map(document))
        right = document in (GOOD, OTHER)
        before, expected = expected, good(document) if right else expected
        assert state.config == expected
        assert state.changed == (expected != before)
        assert state.stale == bool(state.findings) == (not right)
