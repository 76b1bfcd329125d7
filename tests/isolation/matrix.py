"""The matrix itself: every route × person × door × slot × neighbour, and what must be true of each answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenants.access import Access, access_of
from tests.isolation import catalog, recipes, street, things
from tests.isolation.calls import APEX, MALFORMED, NOBODY, Call, Door, Sender, foreign_traces, random_value, shape
from tests.isolation.neighbours import Neighbour
from tests.isolation.street import Street

# Who asks, and whose things they name.
PAIRS = (("A", "B"), ("A", "C"), ("C", "A"), ("C", "D"))
ACTORS = ("owner", "admin", "approver", "contributor", "viewer", "nobody")
RATCHET = Path(__file__).with_name("ratchet.json")
# Slots whose foreign value may answer otherwise than a random one, with the reason.
PUBLIC_NAMES = {
    "signup_api.status": "Whoever signed up holds the id; it shows progress and the address, which is public",
    "signup.opening": "Whoever signed up holds the id; it shows progress and the address, which is public",
    "signup.opening_part": "Whoever signed up holds the id; it shows progress and the address, which is public",
    "signup_api.retry": "Whoever signed up holds the id; it is refused for every workspace that was made",
    "signup.retry": "Whoever signed up holds the id; it is refused for every workspace that was made",
}
_CONTROL = """
    SELECT 'control.tenant', id, md5(t::text) FROM control.tenant t WHERE id = ANY({ids})
    UNION ALL SELECT 'control.placement', tenant_id, md5(t::text) FROM control.placement t WHERE tenant_id = ANY({ids})
    UNION ALL SELECT 'control.host', tenant_id, md5(string_agg(t::text, '|' ORDER BY t::text)) FROM control.host t
              WHERE tenant_id = ANY({ids}) GROUP BY 2
    UNION ALL SELECT 'control.login_directory', tenant_id, md5(string_agg(t::text, '|' ORDER BY t::text))
              FROM control.login_directory t WHERE tenant_id = ANY({ids}) GROUP BY 2
"""


class Matrix:
    """Runs cases against one street and counts them."""

    def __init__(self, made: Street) -> None:
        self.street = made
        self.sender = Sender(made)
        self.counts: Counter[str] = Counter()
        self._calls: dict[tuple[str, str, str], Call] = {}
        self._above = street.superuser(made)
        self._digest_query = self._make_digest_query()

    def close(self) -> None:
        """Close the view from above."""
        self._above.close()

    def routes(self) -> Iterator[tuple[Any, str, Access]]:
        """Yield every rule of the application with each of its methods and what it demands."""
        for rule in sorted(self.street.app.url_map.iter_rules(), key=lambda r: (r.rule, r.endpoint)):
            access = access_of(self.street.app.view_functions[rule.endpoint])
            assert access is not None
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, access

    def doors(self, rule: Any, home: Neighbour) -> list[Door]:
        """Return how the actors come: people with a cookie everywhere, and programs with a token to the API."""
        people = [Door("cookie", home.people[actor]) for actor in ACTORS[:-1]]
        programs = [Door("bearer", door.person) for door in people] if rule.rule.startswith("/api/") else []
        return [*people, *programs, NOBODY]

    def call(self, rule: Any, home: Neighbour, role: str, *, fresh: bool = False) -> Call:
        """Return the call of a route that works; a kept one is enough where it will not be carried out."""
        name = (rule.endpoint, home.label, role)
        if fresh or name not in self._calls:
            person = home.people.get(role, home.people["owner"])
            recipe = recipes.RECIPES.get(rule.endpoint)
            self._calls[name] = recipe(home, person) if recipe else recipes.plain(rule, home, person)
        return self._calls[name]

    def host(self, access: Access, home: Neighbour) -> str:
        """Return where the route answers."""
        return APEX if access.host == "apex" else home.host

    def control(self, rule: Any, method: str, access: Access, home: Neighbour, door: Door) -> list[str]:
        """Call the route with one's own things; return what is wrong with the answer."""
        role = door.person.role if door.person else "owner"
        call = self.call(rule, home, role, fresh=True)
        answer = self.sender.send(rule, method, call.filled(), door, self.host(access, home))
        self.counts["controls"] += 1
        if rule.endpoint in recipes.ENDS_KEYS and door.person:
            things.give_keys(home, door.person)
        where = f"{home.label} {method} {rule.rule} ({rule.endpoint}) as {role} by {door.kind}"
        found = [f"{where} shows {trace}" for trace in foreign_traces(answer, self.street, home)]
        if answer.status_code >= 400 or "/signin?next" in answer.headers.get("Location", ""):
            found.append(f"{where} does not work: {answer.status_code} {answer.get_data(as_text=True)[:300]}")
        return found + [f"{where}: {wrong}" for wrong in _keepable(answer) if access.signed_in]

    def probe(self, rule: Any, method: str, access: Access, own: Neighbour, other: Neighbour) -> list[str]:
        """Name the other's things in every slot, as every actor; return what is wrong."""
        findings: list[str] = []
        before = self.digest(own)
        for door in self.doors(rule, own):
            call = self.call(rule, own, door.person.role if door.person else "owner")
            for where, slot in call.slots():
                findings += self._probe_slot(rule, method, access, (own, other), door, call, (where, slot.kind))
        if self.digest(own) != before:
            changed = sorted(k for k in self.digest(own).items() ^ before.items())
            findings.append(f"{method} {rule.rule} changed rows of others: {changed}")
        return findings

    def _probe_slot(
        self, rule: Any, method: str, access: Access, pair: tuple[Neighbour, Neighbour], door: Door, call: Call,
        slot: tuple[str, str],
    ) -> list[str]:  # fmt: skip
        (own, other), (place, kind) = pair, slot
        host = self.host(access, own)

        def ask(value: str, *, in_path: bool = False) -> tuple[Any, list[str]]:
            self.counts["cases"] += 1
            # The router would not build an address with a value that is of no form.
            stand_in = random_value(kind) if in_path else value
            swap = (stand_in, value) if in_path else ("", "")
            answer = self.sender.send(rule, method, call.filled(place, stand_in), door, host, swap=swap)
            return shape(answer, value), foreign_traces(answer, self.street, own, value)

        where = f"{own.label}→{other.label} {method} {rule.rule} ({rule.endpoint}) {place} by {door.kind}"
        where += f" of {door.person.role}" if door.person else ""
        nothing, traces = ask(random_value(kind))
        findings = [f"{where} random: shows {t}" for t in traces]
        named = {"foreign": other.live.get(kind), "foreign gone": other.gone.get(kind), "gone": own.gone.get(kind)}
        for name, value in named.items():
            if value is None:
                continue
            answered, traces = ask(value)
            public = rule.endpoint in PUBLIC_NAMES
            findings += [f"{where} {name}: shows {t}" for t in traces if not public]
            if answered != nothing and not public:
                findings.append(f"{where} {name}: {_difference(answered, nothing)}")
        return findings + self._malformed(where, ask, place)

    def _malformed(self, where: str, ask: Any, place: str) -> list[str]:
        """Send what is no name at all: three kinds of nonsense a case, in turn."""
        findings = []
        for turn in range(3):
            nonsense = MALFORMED[(self.counts["cases"] + turn) % len(MALFORMED)]
            answered, traces = ask(nonsense, in_path=place.startswith("path"))
            findings += [f"{where} {nonsense!r}: shows {t}" for t in traces]
            if answered[0] >= 500:
                findings.append(f"{where} {nonsense!r}: {answered[0]}")
        return findings

    def digest(self, own: Neighbour) -> catalog.Digest:
        """Return the rows of everybody on the street but `own`."""
        return catalog.digest(self._above, self._digest_query, without=[own.tenant.id])

    def forget_tries(self, home: Neighbour) -> None:
        """Empty the counters that slow guessing down, so that the matrix is not slowed down."""
        schema = home.tenant.schema
        self._above.execute(f'DELETE FROM "{schema}".throttle WHERE tenant_id = %s'.encode(), (home.tenant.id,))

    def _make_digest_query(self) -> str:
        ids = ", ".join(f"'{n.tenant.id}'" for n in self.street.neighbours.values())
        array = f"ARRAY[{ids}]::uuid[]"
        schemas = {str(n.tenant.schema) for n in self.street.neighbours.values()} | {"desk"}
        every = [table for schema in sorted(schemas) for table in catalog.tables(self._above, schema)]
        query = catalog.digest_query(every).replace(
            " GROUP BY tenant_id", f" WHERE tenant_id = ANY({array}) GROUP BY tenant_id"
        )
        return f"{query} UNION ALL {_CONTROL.format(ids=array)}"


def _keepable(answer: Any) -> list[str]:
    """Return why a cache between here and the person might keep an answer that is theirs alone (ISO-05)."""
    found = []
    control = {part.strip() for part in answer.headers.get("Cache-Control", "").split(",")}
    if "no-store" not in control or "public" in control:
        found.append(f"Cache-Control is {', '.join(sorted(control))}")
    vary = {part.strip().lower() for part in answer.headers.get("Vary", "").split(",")}
    return [*found, *(f"Vary lacks {name}" for name in ("cookie", "authorization") if name not in vary)]


def _difference(one: Any, two: Any) -> str:
    """Say in a line where two answers differ."""
    if one[0] != two[0]:
        return f"answers {one[0]} where nothing answers {two[0]}"
    if one[1] != two[1]:
        return f"headers differ: {sorted(one[1].items() ^ two[1].items())}"
    start = next((n for n, (a, b) in enumerate(zip(one[2], two[2], strict=False)) if a != b), 0)
    here = slice(max(start - 40, 0), start + 80)
    return f"text differs at {start}: {one[2][here]!r} where nothing says {two[2][here]!r}"


def least() -> dict[str, int]:
    """Return how many of each thing the matrix must run; the numbers only ever rise."""
    found: dict[str, int] = json.loads(RATCHET.read_text()) if RATCHET.exists() else {}
    return found
