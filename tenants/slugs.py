"""Slugs: the first label of a workspace's address."""

from __future__ import annotations

import re

# A DNS label (RFC 1035 §2.3.1) of 3 to 40 characters; no double hyphen, which would read as punycode.
SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?!-)){1,38}[a-z0-9]")
# Names that readers would take for the platform itself, or that mail and DNS software treats specially (RFC 2142).
_RESERVED = """
about abuse account accounts admin administrator api app apps assets auth billing blog cdn console contact
dashboard dev docs download email files ftp help host hostmaster imap info internal invoice localhost login
mail mailbox manage metrics news noc official operator ops owner pay payment payments ping platform pop3
postmaster privacy public register root sales secure security service sign-in sign-up signin signup smtp ssl
staff staging static status store stripe super support sysadmin system team terms terrace test tls upload
usenet uucp webhook webhooks webmail webmaster www www1 www2
"""
RESERVED = frozenset(_RESERVED.split())


def slug_problem(slug: str) -> str | None:
    """Return the sentence that says why `slug` cannot be an address, or None when its form is fine."""
    if not 3 <= len(slug) <= 40:
        return "Use 3 to 40 characters."
    if not SLUG.fullmatch(slug):
        return "Use small letters, digits and single hyphens; begin with a letter and do not end with a hyphen."
    if slug in RESERVED:
        return "That address is reserved; choose another."
    return None


def suggest_slug(company_name: str) -> str:
    """Return a well-formed slug made of `company_name`, or an empty string when nothing of it can be used."""
    slug = re.sub(r"[^a-z0-9]+", "-", company_name.lower()).strip("-")[:40].strip("-")
    slug = slug.lstrip("0123456789-")
    return slug if slug_problem(slug) is None else ""
