"""What Linux says about processes: who is alive, since when, and in which session."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Seen:
    """One living process."""

    pid: int
    session: int
    started: int


def boot_id() -> str:
    """Return the name of this run of the kernel: process numbers mean nothing across a reboot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def look(pid: int) -> Seen | None:
    """Return what is known of a living process, or None."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything, also spaces and parentheses; the fields begin after the last one.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return Seen(pid=pid, session=int(fields[3]), started=int(fields[19]))


def session_of(leader: int, started: int) -> list[Seen]:
    """Return the living processes of the session that this leader opened, the leader first.

    A number that belongs to a younger process by now is not ours, and neither is its session.
    """
    head = look(leader)
    if head is not None and head.started != started:
        return []
    pids = (int(name) for name in os.listdir(_PROC) if name.isdigit())
    found = [seen for pid in pids if (seen := look(pid)) and seen.session == leader and seen.started >= started]
    return sorted(found, key=lambda seen: (seen.pid != leader, seen.pid))
