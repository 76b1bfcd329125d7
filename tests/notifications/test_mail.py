"""Mails: both parts, safe headers, sent once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from sqlalchemy import select

from app.kit import crypto
from app.kit.desk import Job
from app.notifications import compose as compose_module
from app.notifications import gateway
from app.notifications.compose import Letter, compose
from app.notifications.service import send_mail

LINK = "http://acme.localhost/verify-email/abc"
VALUES = {"name": "Ada", "email": "ada@harbour.example", "link": LINK}


def _letter(**changes):
    made = Letter("ada@harbour.example", "verify_email", VALUES, "Harbour Press", uuid4().hex)
    return replace(made, **changes)


def _read(settings, to):
    return requests.get(f"{settings.mailbox_url}/api/messages", params={"to": to}, timeout=5).json()


def test_a_mail_has_text_and_html_with_the_same_link(settings):
    message = compose(settings, _letter())
    text, html = (part.get_content() for part in message.iter_parts())
    assert message["Subject"] == "Confirm your address for Harbour Press"
    assert LINK in text
    assert f'href="{LINK}"' in html
    assert "Harbour Press" in str(message["From"])
    assert message["Auto-Submitted"] == "auto-generated"


def test_values_are_text_and_never_markup_in_the_html(settings):
    letter = _letter(values=VALUES | {"name": "<script>alert(1)</script>"}, company="A <b>& Co")
    html = list(compose(settings, letter).iter_parts())[1].get_content()
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "name", ["Evil\r\nBcc: all@harbour.example", "Evil\nSubject: x", "Evil\u2028X-Y: 1", "\x00Evil"]
)
def test_no_name_breaks_out_of_a_header(settings, name):
    message = compose(settings, _letter(company=name))
    assert message["Bcc"] is None
    assert message["X-Y"] is None
    assert len(message.get_all("Subject")) == 1
    assert str(message["Subject"]).startswith("Confirm your address for ")
    text = next(iter(message.iter_parts())).get_content()
    assert not [line for line in text.splitlines() if line.startswith(("Bcc", "Subject", "X-Y"))]


@pytest.mark.parametrize("to", ["a@b.example\r\nBcc: c@d.example", "nobody", "@x.example", "a b@c.example"])
def test_an_address_that_is_none_is_refused(settings, to):
    with pytest.raises(ValueError, match="the address"):
        compose(settings, _letter(to=to))


def test_every_template_has_both_parts():
    folder = Path(compose_module.__file__).parent / "templates" / "mail"
    texts = {path.stem for path in folder.glob("*.txt")}
    assert texts <= {path.stem for path in folder.glob("*.html")}


def test_a_mail_is_sent_by_the_worker_after_the_commit(acme, settings, drain):
    to = f"{uuid4().hex}@mail.example"
    with acme.ctx() as ctx:
        job_id = send_mail(ctx, to=to, template="verify_email", **VALUES)
        assert _read(settings, to) == []
    drain()
    (mail,) = _read(settings, to)
    headers = dict(mail["headers"])
    assert headers["Message-ID"] == f"<{job_id.hex}@{settings.apex}>"
    assert "Acme" in mail["from"] or "Acme" in headers["From"]


def test_a_transaction_that_is_taken_back_sends_nothing(acme, settings, drain):
    to = f"{uuid4().hex}@mail.example"

    def fail() -> None:
        with acme.ctx() as ctx:
            send_mail(ctx, to=to, template="verify_email", **VALUES)
            raise RuntimeError("taken back")

    with pytest.raises(RuntimeError):
        fail()
    drain()
    assert _read(settings, to) == []


def test_an_unknown_template_is_noticed_where_it_is_asked_for(acme):
    with acme.ctx() as ctx, pytest.raises(LookupError):
        send_mail(ctx, to="a@b.example", template="../letter")


def test_the_values_of_one_tenants_mail_open_for_no_other(acme, globex, settings):
    with acme.ctx() as ctx:
        job_id = send_mail(ctx, to="a@b.example", template="verify_email", **VALUES)
        sealed = ctx.db.scalars(select(Job.args).where(Job.tenant_id == acme.tenant.id, Job.id == job_id)).one()[
            "sealed"
        ]
        ctx.db.rollback()
    assert "harbour" not in sealed
    assert crypto.unseal(settings.secret_key, f"mail:{acme.tenant.id}", sealed)
    with pytest.raises(crypto.Unopenable):
        crypto.unseal(settings.secret_key, f"mail:{globex.tenant.id}", sealed)


def test_a_mail_server_that_is_away_is_an_error_worth_another_try(settings):
    away = replace(settings, smtp_url="smtp://127.0.0.1:9")
    with pytest.raises(OSError, match="refused"):
        gateway.send(away, compose(settings, _letter()))
