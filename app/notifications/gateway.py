"""The one mail server we talk to."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from app.notifications.errors import AddressRefused
from config.settings import Settings

TIMEOUT = 10.0
_PORTS = {"smtp": 25, "smtps": 465}
_REFUSED = range(500, 600)


def send(settings: Settings, message: EmailMessage) -> None:
    """Hand `message` to the mail server.

    Raises AddressRefused when the server will never take it, OSError or SMTPException when it may later.
    """
    parts = urlsplit(settings.smtp_url)
    host, port = parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]
    tls = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=tls)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=TIMEOUT)
        ) as server:
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=tls)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        if all(code in _REFUSED for code, _ in error.recipients.values()):
            raise AddressRefused("The mail server does not take this address.") from error
        raise
