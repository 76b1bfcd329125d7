"""E-mail addresses: one spelling to show, one to compare."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from app.kit.crypto import derive
from config.settings import Settings


def normal_email(address: str) -> str:
    """Return the form under which an address is looked up: NFC, case folded, domain in ASCII where it has such a form.

    Local parts that differ only in case are one mailbox everywhere that matters; nothing else is folded, so that no
    two mailboxes ever become one account.
    """
    local, _, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = domain
    return f"{local.casefold()}@{ascii_domain.lower()}"


def directory_mac(settings: Settings, address: str) -> str:
    """Return the keyed hash under which the login directory knows `address`."""
    key = derive(settings.secret_key, "accounts/directory/v1")
    return hmac.digest(key, normal_email(address).encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
