"""Objects of many files become one object per name."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vipcast.files.reading import Found, Reading
from vipcast.files.view import View, merged
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.model.raw import NODE, SECRET, SERVICE, Delta, Kind, Raw, Ref

WEB, DB = Ref(SERVICE, Key("default", "web")), Ref(SERVICE, Key("default", "db"))
STATUS_FILE = "status/controller/Service/default/web.yaml"


def holds(*objects: tuple[Ref, dict[str, Any]], line: int = 1) -> Reading:
    return Reading(tuple(Found(ref, raw, line) for ref, raw in objects))


def view(*kinds: Kind) -> View:
    return View(kinds or (SERVICE, SECRET))


def test_what_a_file_holds_is_there_until_the_file_is_gone() -> None:
    one = view()
    one.put("a.yaml", holds((WEB, {"x": 1}), (DB, {"x": 2})))
    assert one.take() == (Delta(DB, {"x": 2}), Delta(WEB, {"x": 1}))
    assert one.take() == ()
    one.put("a.yaml", holds((WEB, {"x": 3})))
    assert one.take() == (Delta(DB, None), Delta(WEB, {"x": 3}))
    one.put("a.yaml", None)
    assert one.take() == (Delta(WEB, None),)
    assert one.get(WEB) is None


def test_a_file_that_changed_in_nothing_changes_nothing() -> None:
    one = view()
    one.put("a.yaml", holds((WEB, {"x": 1})))
    one.take()
    one.put("a.yaml", holds((WEB, {"x": 1}), line=7))
    assert one.take() == ()


def test_an_object_that_moves_to_another_file_is_the_same_object() -> None:
    one = view()
    one.put("a.yaml", holds((WEB, {"x": 1})))
    one.take()
    one.put("a.yaml", None)
    one.put("b.yaml", holds((WEB, {"x": 1})))
    assert one.take() == ()


def test_kinds_that_nobody_follows_are_known_but_not_told() -> None:
    one = view(NODE)
    one.put("a.yaml", holds((WEB, {"x": 1})))
    assert one.take() == ()
    assert one.get(WEB) == {"x": 1}


def test_of_an_object_in_two_files_the_first_path_counts_and_both_are_named() -> None:
    one = view()
    one.put("b.yaml", holds((WEB, {"x": "b"}), line=4))
    assert one.take() == (Delta(WEB, {"x": "b"}),)
    one.put("a.yaml", holds((WEB, {"x": "a"})))
    assert one.take() == (Delta(WEB, {"x": "a"}),)
    assert one.problems() == (
        Finding(
            "Service default/web",
            "",
            "",
            "It stands in a.yaml line 1 and again in b.yaml line 4; the first counts.",
            "Remove all but one.",
        ),
    )
    one.put("a.yaml", None)
    assert one.take() == (Delta(WEB, {"x": "b"}),)
    assert one.problems() == ()


def test_an_object_twice_in_one_file_is_named_as_well() -> None:
    one = view()
    twice = (Found(WEB, {"x": 1}, 1), Found(WEB, {"x": 2}, 9))
    one.put("a.yaml", Reading(twice))
    assert one.take() == (Delta(WEB, {"x": 1}),)
    (found,) = one.problems()
    assert (
        found.message == "It stands in a.yaml line 1 and again in a.yaml line 9; the first counts."
    )


def test_a_file_that_is_about_to_go_is_no_second_place() -> None:
    one = view()
    one.put("a.yaml", holds((WEB, {"x": 1})))
    one.put("a.yaml", holds((WEB, {"x": 1})), leaving=True)
    one.put("b.yaml", holds((WEB, {"x": 2})))
    assert one.take() == (Delta(WEB, {"x": 2}),)
    assert one.problems() == ()


def test_a_writers_part_lies_over_the_users_object() -> None:
    one = view()
    one.put(STATUS_FILE, holds((WEB, {"status": {"a": 1}})))
    assert one.take() == ()
    one.put("a.yaml", holds((WEB, {"spec": {}})))
    assert one.take() == (Delta(WEB, {"spec": {}, "status": {"a": 1}}),)
    one.put(STATUS_FILE, None)
    assert one.take() == (Delta(WEB, {"spec": {}}),)


def test_what_programs_write_as_a_whole_needs_no_user() -> None:
    one = view()
    ref = Ref(SECRET, Key("default", "memberlist"))
    one.put("status/controller/Secret/default/memberlist.yaml", holds((ref, {"data": {}})))
    assert one.take() == (Delta(ref, {"data": {}}),)


def test_parts_of_objects_that_are_gone_are_orphans() -> None:
    one = view()
    one.put(STATUS_FILE, holds((WEB, {"status": {}})))
    one.put("status/speaker-n1/Service/default/web.yaml", holds((WEB, {"status": {}})))
    one.put("a.yaml", holds((WEB, {})))
    one.take()
    assert one.orphans("status/controller/") == ()
    one.put("a.yaml", None)
    one.take()
    assert one.orphans("status/controller/") == (STATUS_FILE,)


def test_a_remark_is_told_and_makes_nothing_unreadable() -> None:
    one = view()
    remark = Finding("file b.yaml", "line 2", "BGPPeer", "It has no effect.")
    problem = Finding("file b.yaml", "line 9", "", "This is not YAML.")
    one.put("b.yaml", Reading(remarks=(remark,)))
    assert (one.problems(), one.unreadable()) == ((remark,), False)
    one.put("b.yaml", Reading(problems=(problem,), remarks=(remark,)))
    assert (one.problems(), one.unreadable()) == ((problem, remark), True)
    one.put("b.yaml", None)
    assert (one.problems(), one.unreadable()) == ((), False)


def test_parts_replace_keys_of_the_status_and_join_conditions_by_type() -> None:
    base: Raw = {
        "metadata": {"name": "web", "annotations": {"a": "user", "b": "user"}},
        "status": {
            "kept": 1,
            "replaced": {"x": 1},
            "conditions": [{"type": "A", "n": 0}, {"type": "B"}],
        },
    }
    parts: list[Raw] = [
        {"metadata": {"annotations": {"a": "one"}}, "status": {"replaced": {"y": 2}}},
        {"status": {"conditions": [{"type": "A", "n": 1}, {"type": "C"}]}},
    ]
    assert merged(base, parts) == {
        "metadata": {"name": "web", "annotations": {"a": "one", "b": "user"}},
        "status": {
            "kept": 1,
            "replaced": {"y": 2},
            "conditions": [{"type": "B"}, {"type": "A", "n": 1}, {"type": "C"}],
        },
    }
    assert merged(base, []) is base


FILES = st.sampled_from(["a.yaml", "b.yaml", STATUS_FILE])
RAWS = st.dictionaries(st.sampled_from(["x", "status"]), st.just({"y": 1}))
READINGS = st.lists(st.tuples(st.sampled_from([WEB, DB]), RAWS), max_size=2).map(
    lambda objects: Reading(tuple(Found(ref, raw, n) for n, (ref, raw) in enumerate(objects)))
)


@given(st.lists(st.tuples(FILES, st.none() | READINGS, st.booleans())))
def test_a_view_that_grew_is_a_view_made_at_once(history: list[tuple[str, Any, bool]]) -> None:
    grown = view()
    told: dict[Ref, Raw | None] = {}
    for path, reading, look in history:
        grown.put(path, reading)
        if look:
            told |= {delta.ref: delta.raw for delta in grown.take()}
    told |= {delta.ref: delta.raw for delta in grown.take()}
    made = view()
    for path, reading, _ in history:
        made.put(path, None)
        made.put(path, reading)
    at_once = {delta.ref: delta.raw for delta in made.take()}
    assert {ref: raw for ref, raw in told.items() if raw is not None} == at_once
    assert grown.problems() == made.problems()
