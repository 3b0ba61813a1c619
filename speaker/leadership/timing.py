"""Every span of time that leadership on a segment depends on, in seconds, and why it is what it is.

    0.0   a hello leaves; it alone gives the right to answer, for LEASE
    0.2   the next one is due (HELLO_INTERVAL)
    0.8   LEASE is over: a node that is frozen, killed or cut off answers nothing from here on
    1.3   LOST_AFTER: the others count it as lost, and one of them takes over

    LEASE + the longest a datagram may lag or a lost one may hide < LOST_AFTER

The gap between the last two lines is what keeps two nodes from answering at once. A planned
absence has the same gap at its end: AWAY_LEASE ends before AWAY does.
"""

from __future__ import annotations

from typing import Final

HELLO_INTERVAL: Final = 0.2
"""A hello is due this long after the last one; sooner when what it says has changed."""

HELLO_SPACING: Final = 0.02
"""Hellos are never closer together than this, however much changes."""

READ_FIRST: Final = 0.05
"""Who was not called for longer than CLAIM_STEP judges nothing for this long.

What arrived meanwhile waits to be read, and others may have had their turn.
"""

PROMPT: Final = 0.1
"""A hello that took longer than this to leave was held up: its claims are said once more."""

LEASE: Final = 0.8
"""How long the data path may answer after the hello that was sent last."""

LOST_AFTER: Final = 1.3
"""A node is lost this long after its last accepted hello."""

LEARN: Final = 1.3
"""A node that knows nothing claims nothing for this long: every live node has spoken by then."""

AWAY: Final = 10.0
"""How long a planned restart may last before the others take over."""

AWAY_LEASE: Final = 9.5
"""How long the data path may answer during a planned restart."""

ECHO_WINDOW: Final = 1.0
"""A hello that echoes our clock is fresh if that clock is at most this old."""

CLAIM_STEP: Final = 0.25
"""A free address is claimed after this much for each better-ranked live candidate.

More than HELLO_INTERVAL: where a holder's last hello reached only some, turns would else coincide.
"""

FIRST_GRACE: Final = 0.8
"""How much longer a new address is left to better-ranked candidates: they may learn of it later."""

ABANDON: Final = 3.0
"""An address nobody answers for, and that we may not claim, is passed to the host after this."""

KEY_OVERLAP: Final = 60.0
"""After a change of keys hellos bear a tag of either key, and either is accepted, for this long."""
