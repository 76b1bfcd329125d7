"""Run the mailbox: `python -m stack.mailview MAILDIR SMTP_PORT WEB_PORT`."""

import sys
from pathlib import Path

from aiosmtpd.controller import Controller
from werkzeug.serving import make_server

from stack.mailview.app import create_app
from stack.mailview.receiver import Receiver
from stack.mailview.store import Store

_LARGEST_MAIL = 50 * 2**20


def main(maildir: str, smtp_port: str, web_port: str) -> None:
    """Receive mail until the process is told to stop."""
    store = Store(Path(maildir))
    controller = Controller(
        Receiver(store), hostname="127.0.0.1", port=int(smtp_port), data_size_limit=_LARGEST_MAIL, enable_SMTPUTF8=True
    )
    controller.start()
    make_server("127.0.0.1", int(web_port), create_app(store), threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
