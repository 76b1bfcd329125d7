"""Access tokens are believed in exactly one form."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from app.accounts import tokens
from app.accounts.errors import TokenExpired, TokenInvalid
from app.kit.clock import utcnow

USER = SimpleNamespace(id=uuid.uuid4(), email="ada@harbour.example", role="owner", perm_epoch=1)
TENANT = SimpleNamespace(id=uuid.uuid4(), tier=SimpleNamespace(name="basic"))


def _issue(settings: Any, now: Any = None) -> str:
    return tokens.issue(settings, TENANT, user=USER, session_id=uuid.uuid4(), now=now or utcnow())


def _b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims)


def _signed(settings: Any, header: Any, claims: Any) -> str:
    """Sign any header and claims with our own key, as a thief of the key or a defect of ours might."""
    signing = tokens.signing_key(settings)
    head, body = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    message = f"{_b64(head)}.{_b64(body)}"
    return f"{message}.{_b64(signing.private_key.sign(message.encode()))}"


def _with_header(**changes: Any) -> Callable[[Any], str]:
    def make(settings: Any) -> str:
        header, claims = _parts(_issue(settings))
        return _signed(settings, {k: v for k, v in (header | changes).items() if v is not None}, claims)

    return make


def _with_claims(**changes: Any) -> Callable[[Any], str]:
    def make(settings: Any) -> str:
        header, claims = _parts(_issue(settings))
        return _signed(settings, header, {k: v for k, v in (claims | changes).items() if v is not None})

    return make


def _foreign(key: Any, algorithm: str) -> Callable[[Any], str]:
    def make(settings: Any) -> str:
        header, claims = _parts(_issue(settings))
        return jwt.encode(header | {"alg": algorithm}, claims, key, algorithms=[algorithm])

    return make


def _raw(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda settings: change(_issue(settings))


def _public_as_secret(settings: Any) -> str:
    public = tokens.signing_key(settings).as_pem(private=False)
    header, claims = _parts(_issue(settings))
    message = f"{_b64(header | {'alg': 'HS256'})}.{_b64(claims)}"
    return f"{message}.{_b64(hmac.digest(public, message.encode(), hashlib.sha256))}"


def _twins(part: int) -> Callable[[Any], str]:
    def make(settings: Any) -> str:
        header, claims = (json.dumps(value) for value in _parts(_issue(settings)))
        if part == 0:
            header = header[:-1] + ', "alg": "Ed25519"}'
        else:
            claims = claims[:-1] + f', "sub": "{uuid.uuid4()}"}}'
        return _signed(settings, header.encode(), claims.encode())

    return make


CORPUS: dict[str, Callable[[Any], str]] = {
    "empty": lambda s: "",
    "one part": lambda s: "abc",
    "two parts": _raw(lambda t: t.rsplit(".", 1)[0]),
    "four parts": _raw(lambda t: t + ".x"),
    "no signature": _raw(lambda t: t.rsplit(".", 1)[0] + "."),
    "blank signature bytes": _raw(lambda t: t.rsplit(".", 1)[0] + "." + "A" * 86),
    "padded": _raw(lambda t: t + "=="),
    "standard base64": _raw(lambda t: t[:-4] + "+/+/"),
    "line break inside": _raw(lambda t: t[:20] + "\n" + t[20:]),
    "not ascii": _raw(lambda t: t + "ü"),
    "longer than any": lambda s: _signed(s, *_long(s)),
    "alg none": _with_header(alg="none"),
    "alg None in capitals": _with_header(alg="NONE"),
    "alg of another family": _with_header(alg="EdDSA"),
    "alg HS256 in the header": _with_header(alg="HS256"),
    "alg missing": _with_header(alg=None),
    "alg a list": _with_header(alg=["Ed25519"]),
    "kid unknown": _with_header(kid="0" * 16),
    "kid missing": _with_header(kid=None),
    "kid a path": _with_header(kid="../../dev/null"),
    "typ JWT": _with_header(typ="JWT"),
    "typ missing": _with_header(typ=None),
    "typ of an id token": _with_header(typ="id+jwt"),
    "jku": _with_header(jku="https://evil.example/jwks.json"),
    "x5u": _with_header(x5u="https://evil.example/cert"),
    "jwk": _with_header(jwk={"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}),
    "x5c": _with_header(x5c=["MIIB"]),
    "crit": _with_header(crit=["exp"]),
    "b64 false": _with_header(b64=False, crit=["b64"]),
    "cty": _with_header(cty="JWT"),
    "own key": _foreign(OKPKey.generate_key("Ed25519"), "Ed25519"),
    "rsa key": _foreign(RSAKey.generate_key(2048), "RS256"),
    "secret key": _foreign(OctKey.generate_key(256), "HS256"),
    "public key as secret": _public_as_secret,
    "twin in the header": _twins(0),
    "twin in the claims": _twins(1),
    "claims a list": lambda s: _signed(s, _parts(_issue(s))[0], [1]),
    "claims no json": lambda s: _signed(s, _parts(_issue(s))[0], b"{"),
    "header no json": lambda s: _signed(s, b"[]", _parts(_issue(s))[1]),
    "iss of another": _with_claims(iss="https://evil.example"),
    "aud of another": _with_claims(aud="terrace-web"),
    "aud a list": _with_claims(aud=["terrace-api"]),
    "exp text": _with_claims(exp="4102444800"),
    "exp a fraction": _with_claims(exp=4102444800.5),
    "exp true": _with_claims(exp=True),
    "exp far away": _with_claims(exp=4102444800),
    "exp beyond time": _with_claims(exp=10**30, iat=10**30 - 10),
    "iat in the future": _with_claims(iat=4102444800 - 60, exp=4102444800),
    "sub no uuid": _with_claims(sub="1"),
    "sub with braces": _with_claims(sub=f"{{{uuid.uuid4()}}}"),
    "tenant no uuid": _with_claims(tenant_id="acme"),
    "sid a number": _with_claims(sid=1),
    **{
        f"without {name}": _with_claims(**{name: None})
        for name in ("iss", "aud", "sub", "tenant_id", "sid", "jti", "exp", "iat", "perm_epoch", "email")
    },
}


def _long(settings: Any) -> tuple[Any, Any]:
    header, claims = _parts(_issue(settings))
    return header, claims | {"pad": "x" * 5000}


@pytest.mark.parametrize("name", CORPUS)
def test_a_token_of_any_other_form_is_refused(settings, name):
    with pytest.raises(TokenInvalid):
        tokens.Verifier(settings).verify(CORPUS[name](settings), now=utcnow())


def test_no_token_with_changed_bits_is_believed(settings):
    verifier, chance = tokens.Verifier(settings), random.Random(20261121)
    token = _issue(settings)
    for _ in range(2000):
        raw = bytearray(token.encode())
        for _ in range(chance.randint(1, 3)):
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
        changed = raw.decode("ascii")
        if changed != token:
            with pytest.raises(TokenInvalid):
                verifier.verify(changed, now=utcnow())


def test_a_token_lasts_an_hour_to_the_second(settings):
    made = utcnow().replace(microsecond=0)
    verifier, token = tokens.Verifier(settings), _issue(settings, made)
    end = made + tokens.LIFETIME
    assert verifier.verify(token, now=end - timedelta(seconds=1)).user_id == USER.id
    for late in (0, 31, 299, 301):
        with pytest.raises(TokenExpired):
            verifier.verify(token, now=end + timedelta(seconds=late))


def test_the_grace_after_its_end_is_five_minutes_and_only_where_it_is_asked_for(settings):
    made = utcnow().replace(microsecond=0)
    verifier, token = tokens.Verifier(settings), _issue(settings, made)
    end = made + tokens.LIFETIME
    assert verifier.verify(token, now=end + timedelta(seconds=299), grace=tokens.GRACE)
    with pytest.raises(TokenExpired):
        verifier.verify(token, now=end + timedelta(seconds=301), grace=tokens.GRACE)


def test_tokens_of_another_installation_are_refused(settings):
    other = replace(settings, secret_key="another secret that is long enough to be taken")
    with pytest.raises(TokenInvalid):
        tokens.Verifier(settings).verify(_issue(other), now=utcnow())


def test_tokens_carry_no_permissions(settings):
    _, claims = _parts(_issue(settings))
    assert set(claims) == {
        "iss", "aud", "sub", "email", "tenant_id", "tenant_tier", "groups", "jti", "sid", "perm_epoch", "iat", "exp",
    }  # fmt: skip


def test_the_published_keys_check_a_token_and_hold_nothing_secret(app, settings):
    answer = app.test_client().get("/.well-known/jwks.json")
    (key,) = answer.json["keys"]
    assert "d" not in key
    claims = jwt.decode(_issue(settings), OKPKey.import_key(key), algorithms=["Ed25519"]).claims
    assert claims["sub"] == str(USER.id)
