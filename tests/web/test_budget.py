from __future__ import annotations

from app.web.budget import Budget


def test_a_budget_is_spent_and_comes_back_with_the_next_window() -> None:
    now = [0.0]
    budget = Budget(2, per_seconds=60, clock=lambda: now[0])
    assert [budget.take() for _ in range(4)] == [True, True, False, False]
    now[0] = 59.9
    assert not budget.take()
    now[0] = 60.0
    assert budget.take()
