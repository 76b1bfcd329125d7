"""The embedded mailbox: every mail that Terrace sends on this machine lands in a folder and on a page."""

import http.client
import os
import sys
from pathlib import Path

from typing_extensions import override

from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.process import Process


class Mailbox(Launcher):
    """A mail server that delivers to a Maildir under the data folder, and a page that shows it."""

    def __init__(self, folder: DataFolder) -> None:
        """Choose nothing yet."""
        self._folder = folder
        self._smtp = self._web = 0
        self.process = Process("mailbox", run=folder.run, logs=folder.logs)

    @override
    def start(self) -> None:
        """Start the server. Raises StackError."""
        self.process.end_leftover()
        self._smtp = self._folder.ports.get("mail-smtp")
        self._web = self._folder.ports.get("mail-web")
        maildir = self._folder.root / "mail"
        command: list[str | Path] = [sys.executable, "-m", "stack.mailview", maildir, str(self._smtp), str(self._web)]
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
        self.process.start(command, env=env, cwd=Path(__file__).parent.parent)

    @override
    def wait_ready(self) -> None:
        """Return when the page answers, which it does after the mail server. Raises StackError."""
        self.process.wait_until(self._answers, timeout=30)

    @override
    def env(self) -> dict[str, str]:
        """Return where to send mail, and where to read it."""
        return {"SMTP_URL": f"smtp://127.0.0.1:{self._smtp}", "MAILBOX_URL": f"http://127.0.0.1:{self._web}"}

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._web, timeout=2)
        try:
            connection.request("GET", "/api/messages")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
