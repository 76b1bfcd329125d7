"""The SMTP side of the mailbox."""

from aiosmtpd.smtp import SMTP, Envelope, Session

from stack.mailview.store import Store


class Receiver:
    """Accept every mail for every address."""

    def __init__(self, store: Store) -> None:
        """Deliver to that store."""
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail; the name is aiosmtpd's."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._store.add(raw, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos))
        return "250 Kept"
