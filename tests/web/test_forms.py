from __future__ import annotations

import pytest

from app.kit.errors import Conflict, FieldError, Invalid
from app.web.forms import FormState, field_error, field_value, form_errors, in_our_words


def test_what_was_sent_comes_back_and_passwords_never_do() -> None:
    state = FormState({"sku": "NB-1", "password": "a lighthouse in the fog", "price": ""})
    assert field_value(state, "sku", "old") == "NB-1"
    assert field_value(state, "price", "14.90") == ""
    assert field_value(state, "name", "old") == "old"
    assert field_value(state, "password") == ""
    assert field_value(None, "name") == ""


def test_a_refusal_points_at_its_fields() -> None:
    error = Invalid(
        errors=[FieldError("#/sku", "This SKU is taken."), FieldError("#/items/0/quantity", "Write 1 or more.")]
    )
    state = FormState.failed({}, error)
    assert field_error(state, "sku") == "This SKU is taken."
    assert form_errors(state) == [("sku", "This SKU is taken."), ("items", "Write 1 or more.")]


def test_a_refusal_without_fields_is_about_the_whole_form() -> None:
    assert form_errors(FormState.failed({}, Conflict("The order is shipped already."))) == [
        ("", "The order is shipped already.")
    ]


def test_messages_of_the_schema_library_are_told_in_our_words() -> None:
    state = FormState.invalid(
        {},
        {"company_name": ["Missing data for required field."], "items": {0: {"sku": ["Not a valid email address."]}}},
    )
    assert field_error(state, "company_name") == "Fill in the company name."
    assert field_error(state, "items") == "Write an e-mail address, like ada@example.org."


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ("Length must be between 1 and 120.", "Write the sku in 1 to 120 characters."),
        ("Longer than maximum length 40.", "Write 40 characters at most."),
        ("Ships on Monday.", "Ships on Monday."),
    ],
)
def test_only_known_sentences_change(told: str, ours: str) -> None:
    assert in_our_words(told, "sku").lower() == ours.lower()
