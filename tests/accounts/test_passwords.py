"""What may be a password, and how it is kept."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from app.accounts.bulkhead import Bulkhead
from app.accounts.passwords import _peppered, hash_password, password_problem, verify_password
from app.accounts.schemas import PasswordField
from app.kit.errors import TooManyRequests

GOOD = "a lighthouse in the fog"


class _Form(Schema):
    password = PasswordField(required=True)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "seven herons over the marsh",
        "x8#Lq2!vRz0@pT",
        "пароль из четырёх слов",
        "犬猫鳥魚花雨山川海空星月",
        "Tr4vels\twith\0nul",
    ],
)
def test_long_passwords_of_any_composition_are_taken(password):
    assert password_problem(password) is None


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "x" * 129, "aaaaaaaaaaaaaa", "abcabcabcabcabc", "123456789012", "qwertyuiop12345",
     "password1234", "Password123!", "P@ssw0rd2026", "letmeinletmein", "iloveyou2026!", "correcthorsebatterystaple",
     "qwertyqwerty!", "abcdefghijklmnop", "Summer2026!!!", "welcome-welcome", "\ud800" + GOOD],
)  # fmt: skip
def test_short_overlong_and_well_known_passwords_are_refused(password):
    assert password_problem(password)


def test_words_about_the_person_do_not_make_a_password():
    assert password_problem("harbourpress2026", "ada@harbour.example", "Ada", "Harbour Press")
    assert password_problem("harbourpress2026") is None


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.text(max_size=140))
def test_the_field_takes_exactly_what_the_rules_allow(text):
    try:
        taken = _Form().load({"password": text})["password"]
    except ValidationError:
        assert password_problem(text)
    else:
        assert password_problem(text) is None
        assert taken == unicodedata.normalize("NFC", text)


def test_nothing_is_cut_off_and_nothing_is_folded(settings):
    long = "w" * 60 + " and seventy more characters than some hashes look at " + "x"
    stored = hash_password(settings, long)
    assert verify_password(settings, stored, long).right
    assert not verify_password(settings, stored, long[:-1] + "y").right
    assert not verify_password(settings, stored, long.upper()).right
    assert not verify_password(settings, stored, long + " ").right
    with_nul = "before\0after and more"
    assert not verify_password(settings, hash_password(settings, with_nul), "before\0other and more").right


def test_both_spellings_of_an_accent_are_one_password(settings):
    stored = hash_password(settings, "caf\u00e9 under the bridge")
    assert verify_password(settings, stored, "cafe\u0301 under the bridge").right


def test_what_is_stored_is_argon2id_above_the_floor_and_names_its_pepper(settings):
    stored = hash_password(settings, GOOD)
    pepper, _, kind, _, parameters, *_ = stored.split("$")
    assert (pepper, kind) == ("p1", "argon2id")
    numbers = dict(pair.split("=") for pair in parameters.split(","))
    assert int(numbers["m"]) >= 19 * 1024
    assert int(numbers["t"]) >= 2
    assert hash_password(settings, GOOD) != stored


def test_a_stolen_database_is_of_no_use_without_the_secret_key(settings):
    stored = hash_password(settings, GOOD)
    other = replace(settings, secret_key="another secret that is long enough to be taken")
    assert not verify_password(other, stored, GOOD).right


def test_weaker_parameters_are_noticed(settings):
    old = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(_peppered(settings, GOOD, 1))
    verdict = verify_password(settings, f"p1${old}", GOOD)
    assert verdict.right
    assert verdict.outdated
    assert not verify_password(settings, hash_password(settings, GOOD), GOOD).outdated


@pytest.mark.parametrize("stored", [None, "", "p1$", "nonsense", "p9$x", "p1$$argon2id$v=19$m=1"])
def test_without_a_usable_hash_every_password_is_wrong(settings, stored):
    assert not verify_password(settings, stored, GOOD).right


def test_the_bulkhead_refuses_when_its_queue_is_full():
    bulkhead, inside, leave = Bulkhead(1, queue=1, patience=5), threading.Event(), threading.Event()

    def hold() -> None:
        with bulkhead.slot():
            inside.set()
            leave.wait(5)

    first = threading.Thread(target=hold)
    first.start()
    assert inside.wait(5)
    waiter = threading.Thread(target=hold)
    waiter.start()
    while bulkhead._waiting._value:
        pass
    with pytest.raises(TooManyRequests) as refused, bulkhead.slot():
        pass
    assert refused.value.headers["Retry-After"]
    leave.set()
    first.join()
    waiter.join()
