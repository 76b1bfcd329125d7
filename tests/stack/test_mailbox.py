"""The mailbox keeps every mail and shows it without trusting it."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, expect

from stack.folder import DataFolder
from stack.mailbox import Mailbox


@pytest.fixture
def mailbox(place: Path) -> Iterator[dict[str, str]]:
    launcher = Mailbox(DataFolder(place))
    launcher.start()
    launcher.wait_ready()
    yield launcher.env()
    launcher.stop()


def send(env: dict[str, str], *, to: str = "alice@acme.example", subject: str = "Welcome") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Terrace <no-reply@terrace.example>", to, subject
    mail.set_content("Confirm at http://localhost:8000/verify/abc\n")
    mail.add_alternative("<p>Grüß dich</p><script>alert(1)</script>", subtype="html")
    mail.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="orders.csv")
    address = urlsplit(env["SMTP_URL"])
    with smtplib.SMTP(address.hostname or "", address.port or 0) as client:
        client.send_message(mail)


def test_a_mail_is_listed_with_its_parts(mailbox: dict[str, str]) -> None:
    send(mailbox)
    send(mailbox, to="bob@acme.example", subject="Zweite – Grüße")

    everything = requests.get(f"{mailbox['MAILBOX_URL']}/api/messages", timeout=5).json()
    for_alice = requests.get(f"{mailbox['MAILBOX_URL']}/api/messages?to=alice@acme.example", timeout=5).json()

    assert [mail["subject"] for mail in everything] == ["Zweite – Grüße", "Welcome"]
    assert [mail["to"] for mail in for_alice] == [["alice@acme.example"]]
    assert "http://localhost:8000/verify/abc" in for_alice[0]["text"]
    assert "Grüß dich" in for_alice[0]["html"]
    assert for_alice[0]["attachments"] == [{"name": "orders.csv", "type": "text/csv", "size": 4}]


def test_the_page_of_a_mail_runs_nothing_of_it(mailbox: dict[str, str]) -> None:
    send(mailbox, subject="<b>bold</b>")
    site = mailbox["MAILBOX_URL"]
    key = requests.get(f"{site}/api/messages", timeout=5).json()[0]["id"]

    page = requests.get(f"{site}/messages/{key}", timeout=5)
    inside = requests.get(f"{site}/messages/{key}/html", timeout=5)
    file = requests.get(f"{site}/messages/{key}/attachments/0", timeout=5)

    assert "&lt;b&gt;bold&lt;/b&gt;" in page.text
    assert "alert(1)" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert 'sandbox="allow-popups' in page.text
    assert inside.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "script-src" not in inside.headers["Content-Security-Policy"]
    assert file.content == b"a,b\n"
    assert file.headers["Content-Disposition"].startswith("attachment")


def test_mails_stay_until_they_are_deleted(place: Path, mailbox: dict[str, str]) -> None:
    send(mailbox)
    assert len(list((place / "mail/new").iterdir())) == 1

    answer = requests.post(f"{mailbox['MAILBOX_URL']}/delete", timeout=5, allow_redirects=False)

    assert answer.status_code == 303
    assert requests.get(f"{mailbox['MAILBOX_URL']}/api/messages", timeout=5).json() == []
    assert "Nothing yet" in requests.get(mailbox["MAILBOX_URL"], timeout=5).text


@pytest.mark.browser
def test_a_browser_may_press_the_button_that_deletes(mailbox: dict[str, str], chromium: Browser) -> None:
    send(mailbox)
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(mailbox["MAILBOX_URL"])

        page.get_by_role("button", name="Delete all mails").click()

        expect(page.get_by_role("heading", name="0 mails")).to_be_visible()


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {"Host": "evil.example"}), ("POST", {"Origin": "http://evil.example"})]
)
def test_other_sites_neither_read_nor_delete_mail(
    mailbox: dict[str, str], method: str, headers: dict[str, str]
) -> None:
    send(mailbox)
    path = "/api/messages" if method == "GET" else "/delete"

    assert requests.request(method, mailbox["MAILBOX_URL"] + path, headers=headers, timeout=5).status_code == 403
    assert len(requests.get(f"{mailbox['MAILBOX_URL']}/api/messages", timeout=5).json()) == 1


def test_an_unknown_mail_or_file_is_not_found(mailbox: dict[str, str]) -> None:
    send(mailbox)
    key = requests.get(f"{mailbox['MAILBOX_URL']}/api/messages", timeout=5).json()[0]["id"]

    for path in ("/messages/nothing", "/messages/..%2f..%2fsecrets.json", f"/messages/{key}/attachments/1"):
        assert requests.get(mailbox["MAILBOX_URL"] + path, timeout=5).status_code == 404
