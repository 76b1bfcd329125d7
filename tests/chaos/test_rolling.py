"""Twenty restarts of the web server under load, without one failed request."""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest

from tests.chaos.site import Site
from tests.chaos.town import Town

pytestmark = pytest.mark.timeout(1800)

RESTARTS = int(os.environ.get("CHAOS_RESTARTS", "20"))


def test_f28_twenty_restarts_fail_no_request(site: Site, town: Town) -> None:
    with town.busy() as record:
        for _ in range(RESTARTS):
            time.sleep(1)
            site.replace_web()
    statuses = record.statuses()
    failed = Counter(a.what for a in record.since(0.0) if not a.status)
    print(f"{RESTARTS} restarts, {sum(statuses.values())} requests {dict(statuses)}")
    assert not failed
    assert set(statuses) <= {200, 201, 202}
    town.audit()
