"""From a template and its values to a message: one part of text, one of HTML, and headers nobody can break out of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.kit.clock import utcnow
from config.settings import Settings

_TEMPLATES = Path(__file__).parent / "templates" / "mail"
# Control characters, and the line and paragraph separators of Unicode.
_BREAKS = ("Cc", "Zl", "Zp")
_NAME = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent: to whom, by which template, with which values, in whose name."""

    to: str
    template: str
    values: Mapping[str, Any]
    company: str
    message_id: str


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def exists(template: str) -> bool:
    """Say whether there is such a template."""
    return bool(_NAME.fullmatch(template)) and (_TEMPLATES / f"{template}.txt").is_file()


def compose(settings: Settings, letter: Letter) -> EmailMessage:
    """Return the message. The first line of the text template is its subject.

    Raises ValueError for an address that is none.
    """
    named = {"company": letter.company, "site": settings.base_url, **letter.values}
    values = {name: _flat(value) for name, value in named.items()}
    rendered = _environment().get_template(f"{letter.template}.txt").render(values)
    subject, _, text = rendered.partition("\n")
    subject = one_line(subject)
    html = _environment().get_template(f"{letter.template}.html").render(subject=subject, **values)
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(one_line(letter.company or name), addr_spec=sender)
    message["To"] = Address("", *_split(letter.to))
    message["Subject"] = subject
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<{letter.message_id}@{settings.apex}>"
    # So that no out-of-office note answers, and no list server passes it on (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.strip() + "\n")
    message.add_alternative(html, subtype="html")
    return message


def one_line(text: str) -> str:
    """Return `text` with every control or line-breaking character made a space, short enough for a header."""
    clean = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(clean.split())[:200]


def _flat(value: Any) -> Any:
    """Return text without line breaks: a name must not add lines of its own to a letter, nor end its subject."""
    if not isinstance(value, str):
        return value
    return "".join(" " if unicodedata.category(sign) in _BREAKS else sign for sign in value)


def _split(address: str) -> tuple[str, str]:
    if any(sign.isspace() or unicodedata.category(sign) in _BREAKS for sign in address):
        raise ValueError("the address has blanks or control characters")
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        raise ValueError("the address has no domain")
    return local, domain
