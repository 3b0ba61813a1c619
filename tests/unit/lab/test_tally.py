"""What a watch concludes from requests and answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.tools.tally import Run, Tally, percentiles, two_macs

MS = 1_000_000
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def tally() -> Tally:
    return Tally(pause=50 * MS, patience=500 * MS)


def test_a_move_is_a_silence_between_two_runs_and_no_time_of_two_macs() -> None:
    account = tally()
    for at in range(0, 1000, 10):
        account.sent(at * MS)
        if at < 300:
            account.answered(at * MS + 5, A)
        elif at >= 700:
            account.answered(at * MS + 5, B)

    assert account.finish(1000 * MS) == {
        "sent": 100,
        "answered": 60,
        "lost": 40,
        "surplus": 0,
        "doubled_ns": [],
        "until_ns": 1000 * MS,
        "runs": [
            {"mac": A, "first_ns": 5, "last_ns": 290 * MS + 5, "answers": 30},
            {"mac": B, "first_ns": 700 * MS + 5, "last_ns": 990 * MS + 5, "answers": 30},
        ],
        "silences": [{"first_ns": 290 * MS + 5, "last_ns": 700 * MS + 5, "lost": 40}],
        "two_macs": [],
        "greetings": [],
    }


def test_a_request_answered_by_two_is_doubled_and_a_time_of_two_macs() -> None:
    account = tally()
    for at in (0, 10, 20):
        account.sent(at * MS)
        account.answered(at * MS + 1, A)
    account.answered(20 * MS + 2, B)

    told = account.finish(30 * MS)

    assert told["doubled_ns"] == [20 * MS]
    assert told["lost"] == 0
    assert told["two_macs"] == []  # B's only answer came after A's last one
    account = tally()
    for at in (0, 10, 20):
        account.sent(at * MS)
        account.answered(at * MS + 1, A if at != 10 else B)
    assert account.finish(30 * MS)["two_macs"] == [
        {"first_ns": 10 * MS + 1, "last_ns": 10 * MS + 1, "macs": [A, B]}
    ]


def test_an_answer_that_comes_after_the_next_request_is_late_and_not_lost() -> None:
    account = tally()
    account.sent(0)
    account.sent(10 * MS)
    account.answered(11 * MS, A)
    account.answered(12 * MS, A)

    told = account.finish(20 * MS)

    assert (told["lost"], told["surplus"], told["doubled_ns"]) == (0, 0, [])


def test_an_answer_that_nobody_asked_for_is_surplus() -> None:
    account = tally()
    account.sent(0)
    account.answered(1, A)
    account.answered(2, A)

    assert account.finish(3)["surplus"] == 1


def test_a_silence_that_has_not_ended_has_no_end_and_one_at_the_start_begins_with_the_first() -> (
    None
):
    account = tally()
    account.sent(5)
    account.sent(600 * MS)
    account.answered(600 * MS + 1, A)
    account.sent(610 * MS)

    assert account.finish(700 * MS)["silences"] == [
        {"first_ns": 5, "last_ns": 600 * MS + 1, "lost": 1},
        {"first_ns": 600 * MS + 1, "last_ns": None, "lost": 1},
    ]


def test_a_greeting_is_noted_and_is_no_answer() -> None:
    account = tally()
    account.sent(0)
    account.greeted(1, A, 2)

    told = account.finish(2)

    assert told["greetings"] == [{"at_ns": 1, "mac": A, "operation": 2}]
    assert told["lost"] == 1


@given(st.lists(st.sampled_from(["", "A", "B", "AB", "BA"]), max_size=60))
def test_every_request_is_answered_or_lost_and_doubled_where_two_answered(
    answers: list[str],
) -> None:
    account = tally()
    for number, who in enumerate(answers):
        account.sent(number * 10 * MS)
        for step, mac in enumerate(who, start=1):
            account.answered(number * 10 * MS + step, mac)

    told = account.finish(len(answers) * 10 * MS)

    assert told["sent"] == len(answers)
    assert told["lost"] == answers.count("")
    assert told["answered"] == len(answers) - answers.count("")
    assert told["doubled_ns"] == [n * 10 * MS for n, who in enumerate(answers) if len(who) == 2]
    assert sum(silence["lost"] for silence in told["silences"]) == told["lost"]
    assert sum(run["answers"] for run in told["runs"]) == sum(map(len, answers))
    assert bool(told["two_macs"]) == any(
        one["mac"] != other["mac"]
        and max(one["first_ns"], other["first_ns"]) <= min(one["last_ns"], other["last_ns"])
        for one in told["runs"]
        for other in told["runs"]
    )


def test_each_pair_of_runs_that_overlap_is_one_period() -> None:
    runs = [Run(A, 0, 10, 2), Run(B, 5, 30, 2), Run(A, 20, 40, 2), Run(B, 50, 60, 2)]

    assert two_macs(runs) == [
        {"first_ns": 5, "last_ns": 10, "macs": [A, B]},
        {"first_ns": 20, "last_ns": 30, "macs": [A, B]},
    ]


def test_percentiles_are_values_that_occurred() -> None:
    assert percentiles(range(1, 1001)) == {
        "min": 1,
        "p50": 500,
        "p90": 900,
        "p99": 990,
        "p999": 999,
        "max": 1000,
    }
    assert percentiles([7]) == dict.fromkeys(("min", "p50", "p90", "p99", "p999", "max"), 7)
    assert percentiles([]) == {}
