"""Every route of the application, called with one's own things and with those of others (security §9.2)."""

from __future__ import annotations

import pytest

from tenants.access import Access
from tests.isolation import recipes
from tests.isolation.calls import NOBODY, Door
from tests.isolation.matrix import PAIRS, PUBLIC_NAMES, Matrix, least
from tests.isolation.neighbours import Neighbour


def _own_door(rule: str, access: Access, home: Neighbour) -> Door:
    if not access.signed_in:
        return NOBODY
    return Door("bearer" if rule.startswith("/api/") else "cookie", home.people["owner"])


def test_every_route_says_how_it_is_called(matrix: Matrix) -> None:
    unknown = []
    for rule, method, _ in matrix.routes():
        named = rule.endpoint in recipes.RECIPES or rule.endpoint in recipes.WITHOUT_CONTROL
        if method != "GET" and not named:
            unknown.append(f"{method} {rule.rule}: add {rule.endpoint} to tests/isolation/recipes.py")
        for name in rule.arguments:
            fixed = f"{rule.endpoint}.{name}" in recipes.PLAIN_PATH
            if not fixed and recipes.path_kind(rule.endpoint, name) is None:
                unknown.append(f"{rule.rule}: say in PATH_KINDS what {name} names")
    assert unknown == []


def test_nothing_is_excused_that_is_gone(matrix: Matrix) -> None:
    endpoints = {rule.endpoint for rule, _, _ in matrix.routes()}
    excused = {*recipes.RECIPES, *recipes.WITHOUT_CONTROL, *PUBLIC_NAMES}
    assert excused - endpoints == set()


@pytest.mark.parametrize("label", ["A", "C"])
def test_every_route_works_with_ones_own_things(matrix: Matrix, label: str) -> None:
    home, findings, works = matrix.street[label], [], 0
    for rule, method, access in matrix.routes():
        if rule.endpoint in recipes.WITHOUT_CONTROL:
            continue
        matrix.forget_tries(home)
        before = matrix.digest(home)
        found = matrix.control(rule, method, access, home, _own_door(rule.rule, access, home))
        if matrix.digest(home) != before:
            found.append(f"{method} {rule.rule} changed rows of others")
        works += not found
        findings += found
    assert not findings, "\n".join(findings)
    print(f"{works} routes")
    assert works >= least()["routes"], "fewer routes than before; lower tests/isolation/ratchet.json only on purpose"


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0]} names things of {p[1]}")
def test_things_of_others_answer_like_things_that_do_not_exist(matrix: Matrix, pair: tuple[str, str]) -> None:
    own, other = matrix.street[pair[0]], matrix.street[pair[1]]
    findings, cases = [], matrix.counts["cases"]
    for rule, method, access in matrix.routes():
        matrix.forget_tries(own)
        findings += matrix.probe(rule, method, access, own, other)
    assert not findings, "\n".join(findings)
    ran = matrix.counts["cases"] - cases
    print(f"{ran} cases")
    assert ran >= least()["cases_a_pair"], "fewer cases than before; lower tests/isolation/ratchet.json only on purpose"
