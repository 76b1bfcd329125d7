"""After a day's work of all tenants, with errors and time-outs, no sink holds a mark of the wrong house (§9.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tenants.models import TenantRecord
from tenants.sessions import TenantSession
from tests.isolation import recipes, sinks, things
from tests.isolation.calls import NOBODY, Call, Door
from tests.isolation.matrix import Matrix
from tests.isolation.neighbours import Neighbour
from tests.world import PASSWORD

_MARK = re.compile(r"canary-([a-f])-", re.IGNORECASE)
_TENANT_KEY = re.compile(r"terrace:tenant:\{([0-9a-f-]{36})\}:[A-Za-z0-9@.,_%:-]+")
_OTHER_KEYS = re.compile(r"terrace:platform:[A-Za-z0-9@.,_%:-]+|rq:.+")
_OBJECT_KEY = re.compile(r"tenant/([0-9a-f-]{36})/(import|report|export)/[A-Za-z0-9_-]{32}")


@dataclass
class Day:
    """What was written while everybody worked."""

    matrix: Matrix
    lines: list[str]
    answers: list[tuple[str, str]]
    metrics: str

    @property
    def owners(self) -> dict[UUID, str]:
        """The letter of each tenant."""
        return {n.tenant.id: n.label.lower() for n in self.matrix.street.neighbours.values()}

    def secrets(self) -> set[str]:
        """Return every password and token that was in somebody's hands."""
        people = [p for n in self.matrix.street.neighbours.values() for p in n.people.values()]
        held = {
            value for n in self.matrix.street.neighbours.values() for k, value in n.live.items() if k.endswith("_token")
        }
        return {PASSWORD, recipes.NEW_PASSWORD, *held} | {v for p in people for v in (p.token, p.cookie)}


@pytest.fixture(scope="module")
def day(matrix: Matrix) -> Day:
    """Let everybody use every route, make mistakes, and run into a time-out."""
    answers: list[tuple[str, str]] = []
    with sinks.log_lines() as lines:
        for label in ("A", "B", "C", "D"):
            home = matrix.street[label]
            for rule, method, access in matrix.routes():
                if rule.endpoint in recipes.WITHOUT_CONTROL:
                    continue
                matrix.forget_tries(home)
                door = _door(rule, access, home)
                answers += _work(matrix, rule, method, access, home, door)
            _time_out(home)
        matrix.street.world.drain()
        page = matrix.street.app.test_client().get("/metrics")
    return Day(matrix, lines, answers, page.get_data(as_text=True))


def _door(rule: Any, access: Any, home: Neighbour) -> Door:
    if not access.signed_in:
        return NOBODY
    return Door("bearer" if rule.rule.startswith("/api/") else "cookie", home.people["owner"])


def _work(matrix: Matrix, rule: Any, method: str, access: Any, home: Neighbour, door: Door) -> list[tuple[str, str]]:
    """Use the route rightly and wrongly; return whose the answers are and what they say."""
    call = matrix.call(rule, home, "owner", fresh=True).filled()
    host = matrix.host(access, home)
    calls = [call, *_mistakes(call, home)]
    said = []
    for one in calls:
        answer = matrix.sender.send(rule, method, one, door, host)
        text_ = answer.get_data(as_text=True) + repr(list(answer.headers))
        said.append((home.label.lower(), f"{method} {rule.rule} {answer.status_code} {text_}"))
        assert answer.status_code < 500, said[-1]
    if rule.endpoint in recipes.ENDS_KEYS:
        things.give_keys(home, home.people["owner"])
    return said


def _mistakes(call: Call, home: Neighbour) -> Iterator[Call]:
    """Yield the call with wrong fields that hold marks, and once more as it was, which now clashes or is stale."""
    wrong = home.mark("wrong") + "\x00"
    if isinstance(call.json, dict):
        yield replace(call, json=dict.fromkeys(call.json, wrong))
        yield replace(call, json={**call.json, home.mark("unknown"): wrong})
        yield call
    if call.form is not None and call.files is None:
        yield replace(call, form=dict.fromkeys(call.form, wrong))
        yield call
    if call.json is None and call.form is None:
        yield replace(call, query={home.mark("unknown"): wrong, "q": wrong, "cursor": wrong})


def _time_out(home: Neighbour) -> None:
    """Let a statement with a mark in it run into the limit, and others break constraints of rows that hold marks."""
    binding = replace(home.tenant.binding, statement_timeout=200)
    for statement in (
        "SELECT count(*) FROM generate_series(1, 100000000) WHERE :mark <> ''",
        "INSERT INTO product SELECT * FROM product WHERE tenant_id = :tenant AND name <> :mark",
        "UPDATE product SET inventory = -1 WHERE tenant_id = :tenant AND name <> :mark",
        "UPDATE order_line SET product_id = id WHERE tenant_id = :tenant AND product_name <> :mark",
    ):
        with pytest.raises(DBAPIError), TenantSession(home.world.runtime.databases.engine(), binding) as session:
            session.execute(text(statement), {"mark": home.mark("sql"), "tenant": home.tenant.id})


def _wrong(whose: str, content: str) -> set[str]:
    """Return the letters of houses whose marks are in `content` and that are not `whose`."""
    return {found.lower() for found in _MARK.findall(content)} - {whose.lower()}


def test_answers(day: Day) -> None:
    wrong = [(whose, said[:200]) for whose, said in day.answers if _wrong(whose, said)]
    assert wrong == []
    assert len(day.answers) > 800


def test_logs_hold_no_text_of_any_tenant(day: Day) -> None:
    assert len(day.lines) > 5, "nothing was logged, so nothing is proven"
    # A slug is an address, and an address may be told; names, mails and contents may not.
    slugs = [n.tenant.slug for n in day.matrix.street.neighbours.values()]
    # Reports of browsers are logged as they come; they are text of whoever sent them.
    lines = [line for line in day.lines if '"web.csp_report"' not in line]
    assert [line for line in lines if _MARK.search(_without(line, slugs))] == []


def _without(line: str, values: list[str]) -> str:
    for value in values:
        line = line.replace(value, "")
    return line


def test_the_servers_own_log_holds_no_text_of_any_tenant(day: Day, settings: Any) -> None:
    log = sinks.server_log(settings)
    assert "ERROR" in log, "nothing went wrong, so nothing is proven"
    found = [line for line in log.splitlines() if _MARK.search(line)]
    assert found == []


def test_mails(day: Day, settings: Any) -> None:
    seen = 0
    for where, to, content in sinks.mails(settings):
        whose = _MARK.search(to)
        if whose:
            seen += 1
            assert _wrong(whose[1], content) == set(), where
    assert seen > 20


def test_stored_objects(day: Day, settings: Any) -> None:
    seen = 0
    for key, content in sinks.objects(settings):
        match = _OBJECT_KEY.fullmatch(key)
        assert match, key
        whose = day.owners.get(UUID(match[1]))
        if whose is None:
            # Of another test process's street, which shares the bucket: whoever it is, it is one house.
            assert len(_wrong("", content)) <= 1, key
            continue
        seen += 1
        assert _wrong(whose, content) == set(), key
    assert seen > 8


def test_every_key_in_redis_is_one_of_ours_and_holds_no_text(day: Day) -> None:
    with day.matrix.street.world.runtime.control() as session:
        known = set(session.scalars(select(TenantRecord.id)))
    # Counts of requests are kept for a minute only, and the day may have been longer: everybody calls once more.
    limiter = day.matrix.street.world.runtime.limiter
    for neighbour in day.matrix.street.neighbours.values():
        limiter.check(neighbour.tenant)
    limiter.exchange()
    tenants = 0
    for key, value in sinks.redis_keys(day.matrix.street):
        match = _TENANT_KEY.fullmatch(key)
        assert match or _OTHER_KEYS.fullmatch(key), key
        if match:
            tenants += 1
            assert UUID(match[1]) in known, key
        assert _MARK.search(key + value) is None, key
    assert tenants >= 4


def test_rows_of_every_table(day: Day) -> None:
    seen = set()
    for table, tenant_id, content in sinks.rows(day.matrix.street):
        seen.add(table.split(".")[1])
        assert _wrong(day.owners[tenant_id], content) == set(), (table, content[:300])
    assert len(seen) > 15


def test_metrics_name_no_tenant(day: Day) -> None:
    assert _MARK.search(day.metrics) is None
    assert [str(i) for i in day.owners if str(i) in day.metrics] == []


def test_secrets_rest_nowhere(day: Day, settings: Any) -> None:
    """A password or token is never stored or told as it is: only its hash, or sealed, or in the mail it is for."""
    secrets_ = {value for value in day.secrets() if len(value) > 12}
    places = [("logs", "\n".join(day.lines)), ("server log", sinks.server_log(settings)), ("metrics", day.metrics)]
    places += list(sinks.redis_keys(day.matrix.street))
    places += [(table, content) for table, _, content in sinks.rows(day.matrix.street)]
    found = [(where, value[:12]) for where, content in places for value in secrets_ if value in content]
    assert found == []
