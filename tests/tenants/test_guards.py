"""What the code must not even say: session-level locks and settings, raw connections, other doors to the outside."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for folder in ("app", "tenants", "config", "migrations") for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "worker.py", ROOT / "wsgi.py"]
Finder = Callable[[str], Iterator[str]]
# Modules that reach other machines. Gateways may import them, and nobody else.
OUTSIDE = frozenset({"aiohttp", "boto3", "botocore", "ftplib", "grpc", "http.client", "httpx", "requests", "smtplib",
                     "socket", "ssl", "urllib.request", "urllib3", "websockets", "xmlrpc.client"})  # fmt: skip
# Commands of Redis that name a key first.
COMMANDS = frozenset({
    "append", "blpop", "brpop", "decr", "decrby", "delete", "exists", "expire", "get", "getdel", "hget", "hgetall",
    "hincrby", "hset", "incr", "incrby", "lpush", "lrange", "ltrim", "persist", "pexpire", "publish", "rpush",
    "sadd", "set", "setex", "setnx", "smembers", "srem", "subscribe", "ttl", "unlink", "xadd", "zadd", "zrange",
    "zrem"
})  # fmt: skip


def _says(pattern: str) -> Finder:
    def find(source: str) -> Iterator[str]:
        yield from (match.group(0) for match in re.finditer(pattern, source))

    return find


def _imports(names: frozenset[str]) -> Finder:
    def find(source: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            yield from {one for one in found for name in names if one == name or one.startswith(f"{name}.")}

    return find


def _either(one: Finder, other: Finder) -> Finder:
    def find(source: str) -> Iterator[str]:
        yield from one(source)
        yield from other(source)

    return find


def _spelled_keys(source: str) -> Iterator[str]:
    """Yield commands to Redis whose key is spelled on the spot instead of made by the builder of keys."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COMMANDS):
            continue
        if re.search(r"redis|pipe|valkey", ast.unparse(node.func.value)) and node.args and not _is_built(node.args[0]):
            yield ast.unparse(node)


def _is_built(key: ast.expr) -> bool:
    """Say whether a key is one of the builder's, or a constant that a module made of one."""
    if isinstance(key, ast.List | ast.Tuple):
        return all(_is_built(one) for one in key.elts)
    if isinstance(key, ast.Call):
        return ast.unparse(key.func).split(".")[-1] in ("tenant_key", "platform_key")
    return isinstance(key, ast.Name) and key.id.isupper()


# What is forbidden, and the files that may, with the reason in their own docstrings.
RULES: dict[str, tuple[Finder, set[str]]] = {
    "session-level advisory lock": (_says(r"pg_(?:try_)?advisory_lock(?:_shared)?\b"), {"tenants/bootstrap.py"}),
    # These are the platform's own, and held for a moment: which job is next, one relay, one migration run.
    "advisory lock": (
        _says(r"pg_(?:try_)?advisory_xact_lock"),
        {"tenants/fairness.py", "tenants/relay.py", "tenants/migration/journal.py"},
    ),
    "set_config": (_says(r"\bset_config\s*\("), set()),
    "session-level SET": (
        _says(r"[\"';]\s*(?:(?i:SET\s+(?:SESSION\s+)?(?:role|search_path|app\.|authorization)|DISCARD\s+ALL|RESET\s+ROLE)"
              r"|SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b)\w+\s*(?:=|\bTO\b)\s*[\w'{%]|RESET\s+ALL)"),
        set(),
    ),
    "raw connection": (
        _says(r"\b(?:psycopg|psycopg2|asyncpg)\.(?:Async)?(?:connect|Connection\.connect)\(|\.raw_connection\("),
        {"tenants/bootstrap.py", "tenants/schemas.py"},
    ),
    "engine of one's own": (
        _says(r"\bcreate_(?:async_)?engine\("), {"tenants/databases.py", "tenants/migrate.py"},
    ),
    "session of one's own": (_says(r"(?<![\w.])(?:Session|sessionmaker|scoped_session)\("), set()),
    "pickle": (_says(r"\b(?:import pickle|pickle\.loads|yaml\.load\()"), set()),
    "COPY of a whole table": (_says(r"COPY\s+(?!\()[a-z_{\"]+\s+TO\b"), set()),
    "NOTIFY": (_says(r"[\"']\s*(?:NOTIFY|LISTEN)\s"), set()),
    "grants in bulk": (_says(r"GRANT\s.*ON ALL TABLES IN SCHEMA"), set()),
    "a key that is spelled on the spot": (_spelled_keys, set()),
    "a queue of one's own": (_imports(frozenset({"rq"})), {"app/kit/jobs/bell.py", "tenants/horse.py"}),
    "a job for any tenant": (
        _either(_imports(frozenset({"app.kit.jobs.queueing.enqueue"})), _says(r"\bqueueing\.enqueue\(")),
        {"tenants/relay.py", "tenants/context.py"},
    ),
    "a client of one's own": (
        # The last one knocks at the database's own door when that seems to hang.
        _imports(OUTSIDE), {"app/files/gateway.py", "app/notifications/gateway.py", "tenants/lookout.py"},
    ),
    "a tenant that the client names": (
        _says(r"\bby_(?:slug|id|host)\(.*(?:\brequest\b|\bargs\b|\.form\b|\.headers\b|\.json\b)"), set(),
    ),
}  # fmt: skip
# Files that are about the machine they run on, and use `socket` for its name only.
OWN_MACHINE = re.compile(r"socket\.(?!gethostname\b)\w+\(")


@pytest.mark.parametrize("name", RULES)
def test_nothing_says_it(name: str) -> None:
    find, allowed = RULES[name]
    said = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in SOURCES
        if str(path.relative_to(ROOT)) not in allowed and not _is_harmless(name, path)
        for found in find(path.read_text())
    ]
    assert said == []


def _is_harmless(name: str, path: Path) -> bool:
    """Say whether the file imports `socket` and nothing like it, without ever opening one."""
    if name != "a client of one's own":
        return False
    source = path.read_text()
    others = _imports(OUTSIDE - {"socket"})
    return not list(others(source)) and not OWN_MACHINE.search(source)


PLANTED = {
    "session-level advisory lock": ['text("SELECT pg_advisory_lock(1)")', '"SELECT pg_try_advisory_lock(1)"'],
    "advisory lock": ['text("SELECT pg_advisory_xact_lock(1)")', '"SELECT pg_try_advisory_xact_lock_shared(1, 2)"'],
    "set_config": ["\"SELECT set_config('app.tenant_id', :id, true)\""],
    "session-level SET": [
        'db.execute("SET search_path = t")', 'db.execute("set role x")', 'f"BEGIN; SET app.tenant_id = 1"',
        "db.execute('SET SESSION AUTHORIZATION x')", '"SET statement_timeout = 5"', '"SET TimeZone TO \'UTC\'"',
        '"RESET ROLE"', '"DISCARD ALL"',
    ],
    "raw connection": ["psycopg.connect(url)", "psycopg.AsyncConnection.connect(url)", "engine.raw_connection()"],
    "engine of one's own": ["create_engine(url)", "create_async_engine(url)"],
    "session of one's own": ["with Session(engine) as session: pass", "make = sessionmaker(engine)"],
    "pickle": ["import pickle"],
    "COPY of a whole table": ["'COPY product TO STDOUT'"],
    "NOTIFY": ['"LISTEN events"', "'NOTIFY events'"],
    "grants in bulk": ["'GRANT SELECT ON ALL TABLES IN SCHEMA x TO y'"],
    "a key that is spelled on the spot": [
        'redis.get("products")', 'runtime.redis.set(f"cache:{name}", value)', 'self._redis.incr(key)',
        "pipe.expire('rate', 5)", 'redis.blpop(["bell"])',
    ],
    "a queue of one's own": ["from rq import Queue", "import rq", "from rq.job import Job"],
    "a job for any tenant": ["from app.kit.jobs.queueing import enqueue", "queueing.enqueue(db, spec)"],
    "a client of one's own": [
        "import requests", "from urllib.request import urlopen", "import http.client", "from http import client",
        "from urllib import request", "import socket", "from botocore.config import Config", "import smtplib",
    ],
    "a tenant that the client names": [
        "resolver.by_slug(request.args['tenant'])", "runtime.resolver.by_id(UUID(request.headers['X-Tenant']))",
        "resolver.by_id(UUID(claim.args.get('tenant_id', str(x))))",
    ],
}  # fmt: skip
FINE = {
    "session-level SET": ['"SET LOCAL search_path = t"', '"; SET LOCAL ROLE x"', '"UPDATE product SET name = 1"',
                          '"ON CONFLICT DO UPDATE SET revision = excluded.revision"', '"reset of a thing"'],
    "session of one's own": ["TenantSession(engine, binding)", "ControlSession(engine)"],
    "a key that is spelled on the spot": ["redis.get(tenant_key(tenant_id, 'rate'))", "pipe.lpush(OUTBOX_BELL, '1')",
                                          "answers.get('products')", "redis.blpop([OUTBOX_BELL])"],
    "a job for any tenant": ["from app.kit.jobs.queueing import enqueue_platform"],
    "a client of one's own": ["from flask import request", "import http", "from urllib.parse import quote"],
    "a tenant that the client names": ["resolver.by_host(g.host)", "resolver.by_id(claim.tenant_id)"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "source"), [(name, source) for name in RULES for source in PLANTED[name]])
def test_each_guard_finds_what_is_planted(name: str, source: str) -> None:
    assert list(RULES[name][0](source)) != []


@pytest.mark.parametrize(("name", "source"), [(name, source) for name in FINE for source in FINE[name]])
def test_no_guard_finds_what_is_fine(name: str, source: str) -> None:
    assert list(RULES[name][0](source)) == []


def test_a_file_that_is_let_off_still_needs_to_be() -> None:
    """An exception that nothing uses any more would let the next one pass unseen."""
    unused = [
        f"{name}: {file}"
        for name, (find, allowed) in RULES.items()
        for file in sorted(allowed)
        if (ROOT / file).exists() and not list(find((ROOT / file).read_text()))
    ]
    assert unused == []
