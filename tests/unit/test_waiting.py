"""The waiting helper itself: it returns what it saw, looks again, and fails with a good text."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.support.waiting import NeverTrue, eventually, eventually_async


def test_the_first_true_answer_is_returned() -> None:
    answers = iter([None, [], ["found"]])
    assert eventually(lambda: next(answers), what="an answer") == ["found"]


def test_an_assertion_that_fails_means_not_yet() -> None:
    counter = iter(range(4))

    def third() -> bool:
        assert next(counter) == 2, "not the third look"
        return True

    assert eventually(third, what="the third look")


def test_a_state_that_never_comes_is_named_together_with_what_was_seen() -> None:
    with pytest.raises(NeverTrue) as failure:
        eventually(lambda: 0, what="a packet", deadline=0.0)
    assert str(failure.value) == "after 0 s still not so: a packet (last answer: 0)"


def test_a_failing_assertion_is_quoted_when_the_deadline_passes() -> None:
    def broken() -> bool:
        raise AssertionError("two MACs")

    with pytest.raises(NeverTrue, match=r"one MAC \(last failure: two MACs\)"):
        eventually(broken, what="one MAC", deadline=0.02)


def test_an_error_in_the_condition_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 // 0, what="never asked twice")


def test_news_is_looked_at_when_the_event_says_so() -> None:
    wake, news = threading.Event(), []

    def bring() -> None:
        news.append("brought")
        wake.set()

    thread = threading.Thread(target=bring)
    thread.start()
    assert eventually(lambda: news, what="news", wake=wake) == ["brought"]
    thread.join()


async def test_the_async_form_takes_functions_and_coroutine_functions() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)

    async def look() -> bool:
        return done.is_set()

    assert await eventually_async(done.is_set, what="done")
    assert await eventually_async(look, what="done")


async def test_the_async_form_names_what_it_saw() -> None:
    with pytest.raises(NeverTrue, match=r"^after 0 s still not so: a hello \(last answer: None\)$"):
        await eventually_async(lambda: None, what="a hello", deadline=0.0)
