"""How each route is called so that it succeeds: its positive control, with a slot wherever it names a thing.

A `GET` needs no entry: it is called with what the street holds for each converter in its path. Every other route has
its line here, under `endpoint`; a new route without one fails the build by its name.
"""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from app.accounts import queries
from tests.isolation import things as make
from tests.isolation.calls import Call, Recipe, Slot
from tests.isolation.neighbours import Neighbour, Person
from tests.world import PASSWORD

NEW_PASSWORD = "seven herons over the marsh"
ADDRESS = {"street": "1 Quay", "city": "Delft", "state": "", "zip": "", "country": "NL"}
# Kinds of the slots in paths, by the name of the converter; where one name stands for two kinds, by the endpoint too.
PATH_KINDS = {
    "product_id": "product_id",
    "order_id": "order_id",
    "user_id": "user_id",
    "session_id": "session_id",
    "job_id": "job_id",
    "tenant_id": "tenant_id",
    "file_id": "file_id",
    "run_id": "import_id",
    "import_id": "import_id",
    "export_id": "export_id",
    "slug": "slug",
    "accounts.verify.token": "verify_token",
    "accounts.confirm_email.token": "verify_token",
    "accounts.reset.token": "reset_token",
    "accounts.save_password.token": "reset_token",
    "accounts.invitation.token": "invite_token",
    "accounts.accept.token": "invite_token",
    "accounts.renew_invitation.token": "invite_token",
    "invitations.revoke.user_id": "invitation_id",
    "invitations.resend.user_id": "invitation_id",
    "accounts.resend.user_id": "invitation_id",
    "accounts.revoke.user_id": "invitation_id",
}
# Converters that name no tenant's thing.
PLAIN_PATH = {"web.static.name": "css/app.css", "signup_api.slug.slug": "a-free-address"}


def path_kind(endpoint: str, name: str) -> str | None:
    """Return which kind of thing a converter names, or None when nobody has said."""
    return PATH_KINDS.get(f"{endpoint}.{name}") or PATH_KINDS.get(name)


def plain(rule: Any, home: Neighbour, person: Person) -> Call:
    """Return the call of a route that only reads what its path names."""
    path: dict[str, Any] = {}
    for name in rule.arguments:
        fixed = PLAIN_PATH.get(f"{rule.endpoint}.{name}")
        kind = path_kind(rule.endpoint, name)
        path[name] = fixed or Slot(str(kind), home.live[str(kind)])
    if "session_id" in path:
        path["session_id"] = Slot("session_id", make.session_of(home, person.role))
    return Call(path=path)


def _version(number: int = 1) -> dict[str, str]:
    return {"If-Match": f'"{number}"'}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def _sku() -> str:
    return secrets.token_hex(6)


def _product(home: Neighbour) -> Slot:
    return Slot("product_id", str(make.product(home).id))


def _order(home: Neighbour) -> Slot:
    return Slot("order_id", str(make.order(home).id))


def _colleague(home: Neighbour) -> Slot:
    """Return a viewer who joined for this call only."""
    person = make.invited(home, "viewer")
    with home.acting() as ctx:
        user = queries.get_user(ctx, user_id=person.id)
        user.status, user.password_hash = "active", "unknown"
    return Slot("user_id", str(person.id))


def _suspended(home: Neighbour) -> Slot:
    slot = _colleague(home)
    with home.acting() as ctx:
        queries.get_user(ctx, user_id=UUID(slot.value)).status = "suspended"
    return slot


def _invitation(home: Neighbour) -> Slot:
    return Slot("invitation_id", str(make.invited(home, "viewer").id))


def _link(home: Neighbour, purpose: str) -> Slot:
    return Slot(f"{purpose}_token", make.link(home, purpose))


def _refresh(home: Neighbour, person: Person) -> Slot:
    return Slot("refresh_token", make.refresh_token(home, person.role))


def _new_product(home: Neighbour) -> dict[str, Any]:
    return {"name": home.mark("new"), "sku": _sku(), "price": "14.90", "currency": "EUR", "inventory": 5}


def _product_form(home: Neighbour) -> dict[str, str]:
    made = {name: str(value) for name, value in _new_product(home).items()}
    return {**made, "type": "physical", "status": "active", "description": "", "category": "", "version": "1"}


def _bundle(home: Neighbour) -> Slot:
    return Slot("product_id", str(make.bundle(home).id))


def _new_order(home: Neighbour) -> dict[str, Any]:
    return {
        "customer_email": f"{home.mark('buyer')}@mail.example",
        "items": [{"product_id": Slot("product_id", home.live["product_id"]), "quantity": 1}],
        "note": home.mark("note"),
    }


def _order_form(home: Neighbour) -> dict[str, str]:
    return {"customer_email": f"{home.mark('buyer')}@mail.example", "sku-0": "HL-1", "quantity-0": "1", "rows": "3"}


def _sign_up(home: Neighbour) -> Call:
    make.open_doors(home)
    return Call(json={"email": f"{home.mark('stranger')}@mail.example", "password": NEW_PASSWORD})


def _csv(home: Neighbour) -> tuple[bytes, str]:
    row = f"{home.mark('uploaded')},{_sku()},9.50,EUR"
    return f"name,sku,price,currency\n{row}\n".encode(), f"{home.mark('upload')}.csv"


API: dict[str, Recipe] = {
    "products.create_product": lambda h, p: Call(json=_new_product(h), headers=_key()),
    "products.replace_product": lambda h, p: Call(
        {"product_id": _product(h)}, json=_new_product(h), headers=_version()
    ),
    "products.change_product": lambda h, p: Call(
        {"product_id": _product(h)}, json={"inventory": 7}, headers=_version()
    ),
    "products.remove_product": lambda h, p: Call({"product_id": _product(h)}),
    "products.restore_product": lambda h, p: Call({"product_id": _product(h)}),
    "stock.adjust_stock": lambda h, p: Call(
        {"product_id": _product(h)}, json={"kind": "received", "quantity": 3, "note": h.mark("note")}, headers=_key()
    ),
    "stock.set_parts": lambda h, p: Call({"product_id": _bundle(h)}, json={"parts": [
        {"product_id": Slot("product_id", h.live["product_id"]), "quantity": 2}
    ]}),
    "orders.place_order": lambda h, p: Call(json=_new_order(h), headers=_key()),
    "orders.replace_order": lambda h, p: Call(
        {"order_id": _order(h)}, json={"shipping_address": ADDRESS, "note": h.mark("note")}, headers=_version()
    ),
    "orders.change_order": lambda h, p: Call(
        {"order_id": _order(h)}, json={"note": h.mark("note")}, headers=_version()
    ),
    "orders.move_order": lambda h, p: Call({"order_id": _order(h)}, json={"to": "confirmed"}),
    "jobs_api.cancel_job": lambda h, p: Call({"job_id": Slot("job_id", make.waiting_job(h))}),
    "users.change_user": lambda h, p: Call({"user_id": _colleague(h)}, json={"role": "contributor"}),
    "users.change_me": lambda h, p: Call(json={"name": h.mark("me")}),
    "users.change_password": lambda h, p: Call(
        json={"current_password": make.known_password(h, p), "new_password": NEW_PASSWORD}
    ),
    "invitations.invite": lambda h, p: Call(json={"email": f"{h.mark('guest')}@mail.example", "role": "viewer"}),
    "invitations.revoke": lambda h, p: Call({"user_id": _invitation(h)}),
    "invitations.resend": lambda h, p: Call({"user_id": _invitation(h)}),
    "workspace_api.change_tenant": lambda h, p: Call(
        {"tenant_id": Slot("tenant_id", h.live["tenant_id"])}, json={"company_name": h.mark("company")}
    ),
    "auth.signin": lambda h, p: Call(json={"email": p.email, "password": make.known_password(h, p)}),
    "auth.refresh": lambda h, p: Call(json={"refresh_token": _refresh(h, p)}),
    "auth.signout": lambda h, p: Call(json={"refresh_token": _refresh(h, p)}),
    "auth.forgot": lambda h, p: Call(json={"email": p.email}),
    "auth.reset": lambda h, p: Call(json={"token": _link(h, "reset"), "password": NEW_PASSWORD}),
    "auth.verify_email": lambda h, p: Call(json={"token": _link(h, "verify")}),
    "auth.resend_verification": lambda h, p: Call(),
    "auth.accept": lambda h, p: Call(
        json={"token": _link(h, "invite"), "password": NEW_PASSWORD, "name": h.mark("joined")}
    ),
    "auth.end_session": lambda h, p: Call(
        {"session_id": Slot("session_id", make.session_of(h, p.role))}
    ),
    "auth.find_workspaces": lambda h, p: Call(json={"email": p.email}),
    "auth.signup": lambda h, p: _sign_up(h),
    "imports_api.start_import": lambda h, p: Call(
        form={"resource": "products", "file_id": Slot("file_id", h.live["file_id"])}, files={}
    ),
    "imports_api.retry_import": lambda h, p: Call({"import_id": Slot("import_id", h.live["import_id"])}),
    "imports_api.undo_import": lambda h, p: Call({"import_id": Slot("import_id", make.finished_import(h))}),
    "exports_api.start_export": lambda h, p: Call(json={"resource": "products", "format": "csv"}),
    "signup_api.start": lambda h, p: Call(
        json={"company_name": h.mark("company"), "slug": f"new-{secrets.token_hex(6)}",
              "admin_email": f"{h.mark('founder')}@mail.example", "password": PASSWORD, "tier": "basic"}
    ),
}  # fmt: skip

WEB: dict[str, Recipe] = {
    "stock_web.adjust": lambda h, p: Call(
        {"product_id": _product(h)}, form={"kind": "lost", "quantity": "1", "note": h.mark("note")}
    ),
    "stock_web.save_parts": lambda h, p: Call(
        {"product_id": _bundle(h)}, form={"sku-0": "HL-1", "quantity-0": "1", "rows": "3"}
    ),
    "products_web.create": lambda h, p: Call(form=_product_form(h)),
    "products_web.save": lambda h, p: Call({"product_id": _product(h)}, form=_product_form(h)),
    "products_web.delete": lambda h, p: Call({"product_id": _product(h)}, form={}),
    "products_web.bulk": lambda h, p: Call(form={"action": "archive", "id": _product(h)}),
    "orders_web.create": lambda h, p: Call(form=_order_form(h)),
    "orders_web.move": lambda h, p: Call({"order_id": _order(h)}, form={"to": "confirmed", "version": "1"}),
    "orders_web.paid": lambda h, p: Call({"order_id": _order(h)}, form={"version": "1"}),
    "orders_web.save_address": lambda h, p: Call({"order_id": _order(h)}, form={**ADDRESS, "version": "1"}),
    "orders_web.add_note": lambda h, p: Call({"order_id": _order(h)}, form={"text": h.mark("note")}),
    "jobs.cancel": lambda h, p: Call({"job_id": Slot("job_id", make.waiting_job(h))}, form={}),
    "accounts.start_session": lambda h, p: Call(form={"email": p.email, "password": make.known_password(h, p)}),
    "accounts.signout": lambda h, p: Call(form={}),
    "accounts.ask_reset": lambda h, p: Call(form={"email": p.email}),
    "accounts.save_password": lambda h, p: Call({"token": _link(h, "reset")}, form={"password": NEW_PASSWORD}),
    "accounts.confirm_email": lambda h, p: Call({"token": _link(h, "verify")}, form={}),
    "accounts.resend_verification": lambda h, p: Call(form={}),
    "accounts.accept": lambda h, p: Call(
        {"token": _link(h, "invite")}, form={"password": NEW_PASSWORD, "name": h.mark("joined")}
    ),
    "accounts.renew_invitation": lambda h, p: Call({"token": _link(h, "invite")}, form={}),
    "accounts.ask_workspaces": lambda h, p: Call(form={"email": p.email}),
    "accounts.invite": lambda h, p: Call(form={"email": f"{h.mark('guest')}@mail.example", "role": "viewer"}),
    "accounts.change_role": lambda h, p: Call({"user_id": _colleague(h)}, form={"new_role": "contributor"}),
    "accounts.suspend": lambda h, p: Call({"user_id": _colleague(h)}, form={}),
    "accounts.activate": lambda h, p: Call({"user_id": _suspended(h)}, form={}),
    "accounts.resend": lambda h, p: Call({"user_id": _invitation(h)}, form={}),
    "accounts.revoke": lambda h, p: Call({"user_id": _invitation(h)}, form={}),
    "accounts.save_profile": lambda h, p: Call(form={"name": h.mark("me")}),
    "accounts.change_password": lambda h, p: Call(
        form={"current_password": make.known_password(h, p), "new_password": NEW_PASSWORD}
    ),
    "accounts.end_session": lambda h, p: Call(
        {"session_id": Slot("session_id", make.session_of(h, p.role))}, form={}
    ),
    "workspace.save_general": lambda h, p: Call(
        form={"company_name": h.mark("company"), "timezone": "Europe/London", "currency": "GBP",
              "version": str(make.workspace_version(h))}
    ),
    "workspace.save_brand": lambda h, p: Call(form={"colour": "#0f6b76"}),
    "workspace.change_plan": lambda h, p: Call(form={"tier": h.tenant.tier.name}),
    "signup.start": lambda h, p: Call(
        form={"company_name": h.mark("company"), "slug": f"new-{secrets.token_hex(6)}",
              "admin_email": f"{h.mark('founder')}@mail.example", "password": PASSWORD, "tier": "basic"}
    ),
    "imports.upload": lambda h, p: Call(form={"resource": "products"}, files={"file": _csv(h)}),
    "imports.start": lambda h, p: Call(
        {"import_id": Slot("import_id", str(make.draft_import(h).id))},
        form={"column-name": "name", "column-sku": "sku",
              "column-price": "price", "column-currency": "currency", "currency": "EUR", "time_zone": "Europe/London"},
    ),
    "imports.redraft": lambda h, p: Call(
        {"import_id": Slot("import_id", str(make.draft_import(h).id))}, form={"action": "guess"}
    ),
    "imports.retry": lambda h, p: Call({"import_id": Slot("import_id", h.live["import_id"])}, form={}),
    "imports.undo": lambda h, p: Call({"import_id": Slot("import_id", make.finished_import(h))}, form={}),
    "imports.again": lambda h, p: Call({"import_id": Slot("import_id", h.live["import_id"])}, form={}),
    "imports.stop": lambda h, p: Call({"import_id": Slot("import_id", make.running_import(h))}, form={}),
    "exports.create": lambda h, p: Call(form={"resource": "products", "format": "csv"}),
    "exports.stop": lambda h, p: Call({"export_id": Slot("export_id", make.running_export(h))}, form={}),
    "web.choose_theme": lambda h, p: Call(form={"theme": "dark"}),
    "web.csp_report": lambda h, p: Call(json={"csp-report": {}}),
}  # fmt: skip

RECIPES = {**API, **WEB}
# Routes whose positive control cannot be had, with the reason.
WITHOUT_CONTROL: dict[str, str] = {
    "signup_api.retry": "Only a tenant whose making failed can be tried again; none of the street's has",
    "signup.retry": "Only a tenant whose making failed can be tried again; none of the street's has",
}
# Calls after which the person needs new keys.
ENDS_KEYS = frozenset(
    {"accounts.signout", "users.change_password", "accounts.change_password", "accounts.start_session"}
)
