"""Settings: each wrong one is one sentence that names its variable."""

from __future__ import annotations

import pytest

from config.settings import Settings, SettingsError

GOOD = {
    "SECRET_KEY": "k" * 40,
    "DATABASE_URL": "postgresql://terrace_app@db/terrace",
    "REDIS_URL": "redis://cache:6379/0",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
    "SMTP_URL": "smtp://mail:25",
}
SAFE = {**GOOD, "TERRACE_ENV": "production", "BASE_URL": "https://terrace.example"}


def test_good_settings_are_read() -> None:
    settings = Settings.from_env(GOOD)
    assert (settings.env, settings.port, settings.base_url) == ("development", 8000, "http://localhost:8000")
    assert settings.tenant_url("acme", "/home") == "http://acme.localhost:8000/home"
    assert (settings.apex, settings.apex_port, settings.secure) == ("localhost", 8000, False)


def test_production_settings_are_read() -> None:
    settings = Settings.from_env(SAFE)
    assert settings.tenant_url("acme") == "https://acme.terrace.example/"
    assert settings.production
    assert settings.secure


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is missing; .*\.$"):
        Settings.from_env({k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "short"), ("DATABASE_URL", "mysql://x/y"), ("REDIS_URL", "cache:6379"), ("SMTP_URL", "mail"),
     ("PORT", "http"), ("PORT", "70000"), ("POOLS", "0"), ("SPARES", "-1"), ("TERRACE_ENV", "staging"),
     ("BASE_URL", "localhost:8000"), ("S3_ENDPOINT_URL", "ftp://x"), ("DATABASE_ADMIN_URL", "sqlite://")],
)  # fmt: skip
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} (is|must) .*\.$") as caught:
        Settings.from_env({**GOOD, name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://terrace.example"),
        ("MAILBOX_URL", "http://localhost:1"),
        ("STRIPE_API_BASE", "http://localhost:1"),
    ],
)
def test_production_refuses_what_is_unsafe(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({**SAFE, name: value})


def test_no_secret_is_in_the_representation() -> None:
    settings = Settings.from_env({**GOOD, "DATABASE_URL": "postgresql://app:hush@db/terrace"})
    for secret in ("k" * 40, "hush", "'key'"):
        assert secret not in repr(settings)
