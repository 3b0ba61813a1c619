"""The result of bgp_convergence for the eye: as text for a terminal, as bars.

PURE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import bars
from benchmarks.bgp import appearing, change

Body = Mapping[str, Any]


def text(body: Body) -> str:
    """Every figure that counts, in lines of at most 100 columns."""
    return "\n".join([*_change(body["change"]), *_appearing(body["appearing"]), *_pouring(body)])


def _change(told: Body) -> Iterator[str]:
    yield f"One change among {told['routes']:,} routes, until a router hears of it"
    yield f"{'':26}{'median':>10}{'p90':>10}{'p99':>10}{'worst':>10}  µs"
    for who, found in told["contenders"].items():
        figures = (found["us"][what] for what in ("median", "p90", "p99", "worst"))
        yield f"  {who:24}{''.join(f'{figure:10,.0f}' for figure in figures)}"
    ours = told["contenders"][change.VIPCAST]
    ratio = ours["beside_asyncio"]["median"]["ratio"]
    met = _verdict(ours["line_met"])
    yield f"  {ratio:,.1f} times the floor; at most {change.LINE:g} ms at the median: {met}"


def _appearing(told: Body) -> Iterator[str]:
    yield ""
    yield f"{told['routes']:,} routes at once, until {told['routers']} routers have all, or none"
    yield f"{'':26}{'announced':>12}{'worst':>10}{'withdrawn':>12}{'worst':>10}  ms"
    for who, found in told["contenders"].items():
        figures = (found[step][what] for step in appearing.STEPS for what in ("median", "worst"))
        first, second, third, fourth = figures
        yield f"  {who:24}{first:12,.0f}{second:10,.0f}{third:12,.0f}{fourth:10,.0f}"
    for step, met in told["line_met"].items():
        yield f"  {step}, not slower than the quicker of ExaBGP's two: {_verdict(met)}"


def _pouring(body: Body) -> Iterator[str]:
    told = body["pouring"]
    yield ""
    yield f"{told['routes']:,} routes from a router, {len(told['rounds'])} times"
    seconds = ", ".join(f"{one['seconds']:.1f}" for one in told["rounds"])
    yield f"  taken in after {seconds} s"
    yield f"  memory: {told['cost'] / 1024:.1f} MiB more: {_verdict(told['line_met']['memory'])}"
    yield (
        f"  KEEPALIVEs: {told['late']:.0f} ms late at worst ({told['quiet_late']:.0f} ms while"
        f" nothing happens): {_verdict(told['line_met']['keepalives'])}"
    )
    yield ""


def _verdict(met: bool) -> str:
    return "yes" if met else "NO"


def svg(body: Body, where: Mapping[str, Any]) -> str:
    """Medians as bars."""
    one, many = body["change"], body["appearing"]
    panels = [
        bars.Panel(
            f"One change among {one['routes']:,} routes: microseconds until a router hears of it",
            [
                bars.Bar(who, found["us"]["median"], f"99 %: {found['us']['p99']:,.0f}")
                for who, found in one["contenders"].items()
                if who != change.SEEN
            ],
        )
    ]
    panels += [
        bars.Panel(
            f"{many['routes']:,} routes {step}: milliseconds until {many['routers']} routers know",
            [
                bars.Bar(who, found[step]["median"], f"worst: {found[step]['worst']:,.0f}")
                for who, found in many["contenders"].items()
            ],
        )
        for step in appearing.STEPS
    ]
    return bars.svg("How soon routers hear of routes", panels, where)
