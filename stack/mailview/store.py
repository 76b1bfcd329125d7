"""Mails as files: a Maildir, read with the standard library."""

import email
import email.policy
import email.utils
import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path


@dataclass(frozen=True)
class Attachment:
    """A file inside a mail."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One mail, taken apart for reading."""

    id: str
    sender: str
    recipients: list[str]
    subject: str
    received_at: datetime
    text: str
    html: str
    headers: list[tuple[str, str]]
    attachments: list[Attachment]


class Store:
    """Keep, list and delete mails."""

    def __init__(self, path: Path) -> None:
        """Use that Maildir, made when missing."""
        self._path = path
        # A mail's file never changes, and taking one apart costs more than reading a list of a thousand.
        self._read: dict[str, Mail] = {}
        # To whom what came in this run was sent, so that asking for one person's mail opens no other.
        self._sent_to: dict[str, list[str]] = {}
        self._open()

    def add(self, raw: bytes, *, sender: str, recipients: list[str]) -> None:
        """Keep a mail, with whom it was really sent to on top."""
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
        key = self._open().add("\r\n".join(envelope).encode() + b"\r\n" + raw)
        self._sent_to[key] = recipients

    def newest_first(self, to: str | None = None) -> list[Mail]:
        """Return every mail, or every mail to one address."""
        folder = self._open()
        keys = [key for key in folder.keys() if to is None or to in self._sent_to.get(key, [to])]  # noqa: SIM118
        mails = [mail for key in keys if (mail := self._find(folder, key)) and (to is None or to in mail.recipients)]
        self._read.update((mail.id, mail) for mail in mails)
        return sorted(mails, key=lambda mail: mail.received_at, reverse=True)

    def find(self, key: str) -> Mail | None:
        """Return one mail, or None when there is no such mail any more."""
        return self._find(self._open(), key)

    def _find(self, folder: "mailbox.Maildir", key: str) -> Mail | None:
        known = self._read.get(key)
        if known is not None and key in folder:
            return known
        try:
            raw = folder.get_bytes(key)
            arrived = folder.get_message(key).get_date()
        except (KeyError, OSError):
            return None
        return _read(key, raw, datetime.fromtimestamp(arrived, UTC))

    def delete_all(self) -> None:
        """Forget every mail."""
        self._open().clear()
        self._read.clear()
        self._sent_to.clear()

    def _open(self) -> "mailbox.Maildir":
        # A new object each time: it caches the folder's list and is not made for threads.
        return mailbox.Maildir(self._path, create=True)


def _read(key: str, raw: bytes, received_at: datetime) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    files = [part for part in message.iter_attachments() if isinstance(part, EmailMessage)]
    return Mail(
        id=key,
        sender=str(message["From"] or message["Return-Path"] or ""),
        recipients=[str(address) for address in message.get_all("Delivered-To", [])],
        subject=str(message["Subject"] or "(no subject)"),
        received_at=received_at,
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers=[(name, str(value)) for name, value in message.items()],
        attachments=[_attachment(part, number) for number, part in enumerate(files, start=1)],
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if not isinstance(part, EmailMessage):
        return ""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _attachment(part: EmailMessage, number: int) -> Attachment:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else part.as_bytes()
    return Attachment(name=part.get_filename() or f"part-{number}", kind=part.get_content_type(), content=content)
