"""Ids that look like Stripe's."""

import secrets
import string

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 24
# A session's id is also the secret of its payment page.
_LENGTHS = {"cs_test_": 58, "whsec_": 32, "req_": 14, "cus_": 14, "prod_": 14}


def make(prefix: str) -> str:
    """Return a new random id with that prefix."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTHS.get(prefix, _LENGTH)))
