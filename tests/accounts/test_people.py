"""Roles, suspension, seats and profiles."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.access.policy import ROLES
from app.accounts import invitations, queries, service
from app.accounts.errors import LastOwner
from app.accounts.models import UserAccount
from tenants.context import Actor
from tenants.quotas import quota, recount
from tests.accounts.conftest import NEW_PASSWORD, add_person, confirm_owner, csrf_of, sign_in, submit
from tests.world import PASSWORD


def _owner_id(house):
    with house.ctx() as ctx:
        return ctx.db.scalars(select(UserAccount.id).where(UserAccount.email == house.owner_email)).one()


def test_the_last_owner_cannot_vanish(acme):
    api, me = acme.api(), _owner_id(acme)
    for change in ({"role": "admin"}, {"status": "suspended"}):
        answer = api.patch(f"/users/{me}", json=change)
        assert (answer.status_code, answer.json["code"]) == (409, "accounts.last_owner")
    add_person(acme, "olga@acme.example", "owner")
    assert api.patch(f"/users/{me}", json={"role": "admin"}).status_code == 200


def test_two_owners_who_step_down_at_once_leave_one(acme):
    ids = [_owner_id(acme), add_person(acme, "olga@acme.example", "owner")]
    barrier, refused = threading.Barrier(2), []

    def step_down(user_id: uuid.UUID) -> None:
        try:
            with acme.ctx() as ctx:
                barrier.wait()
                service.change_role(ctx, user_id=user_id, role="admin")
        except LastOwner:
            refused.append(user_id)

    threads = [threading.Thread(target=step_down, args=(user_id,)) for user_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with acme.ctx() as ctx:
        assert len(queries.active_owners(ctx)) == 1


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gives_a_role_above_their_own(acme, role, fresh_email):
    add_person(acme, "adam@acme.example", "admin")
    bob = add_person(acme, "bob@acme.example")
    admin = acme.api("adam@acme.example")
    expected = 403 if role == "owner" else 200
    assert admin.patch(f"/users/{bob}", json={"role": role}).status_code == expected
    invited = admin.post("/invitations", json={"email": fresh_email, "role": role})
    assert invited.status_code == (403 if role == "owner" else 201)


def test_an_admin_cannot_touch_an_owner(acme):
    add_person(acme, "adam@acme.example", "admin")
    admin = acme.api("adam@acme.example")
    for change in ({"role": "viewer"}, {"status": "suspended"}):
        assert admin.patch(f"/users/{_owner_id(acme)}", json=change).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "contributor", "approver"])
def test_people_below_admins_neither_see_nor_change_people(acme, role, fresh_email):
    bob = add_person(acme, "bob@acme.example", role)
    api = acme.api("bob@acme.example")
    assert api.get("/users").status_code == 403
    assert api.patch(f"/users/{bob}", json={"role": "owner"}).status_code == 403
    assert api.post("/invitations", json={"email": fresh_email}).status_code == 403
    assert sign_in(acme, "bob@acme.example").get("/people").status_code == 403


def test_a_new_role_holds_at_the_next_request(acme):
    bob = add_person(acme, "bob@acme.example")
    api = acme.api("bob@acme.example")
    assert api.get("/users").status_code == 403
    assert acme.api().patch(f"/users/{bob}", json={"role": "admin"}).status_code == 200
    assert api.get("/users").status_code == 200
    assert acme.api().patch(f"/users/{bob}", json={"role": "viewer"}).status_code == 200
    assert api.get("/users").status_code == 403


@pytest.mark.parametrize("field", ["tenant_id", "id", "password_hash", "email_verified_at", "perm_epoch", "is_admin"])
def test_fields_that_are_nobodys_to_write_are_refused(acme, field):
    bob = add_person(acme, "bob@acme.example")
    api = acme.api("bob@acme.example")
    for path, body in (("/users/me", {"name": "Bob"}), ("/users/me", {"role": "owner"})):
        assert api.patch(path, json=body | {field: "x"}).status_code == 422
    assert acme.api().patch(f"/users/{bob}", json={"role": "viewer", field: "x"}).status_code == 422


def test_people_of_another_tenant_are_nobody(acme, globex):
    mallory, unknown = _owner_id(globex), uuid.uuid4()
    api = acme.api()
    answers = [api.get(f"/users/{user}") for user in (mallory, unknown)]
    assert [a.status_code for a in answers] == [404, 404]
    answers = [api.patch(f"/users/{user}", json={"role": "viewer"}) for user in (mallory, unknown)]
    assert [a.status_code for a in answers] == [404, 404]
    assert api.delete(f"/invitations/{mallory}").status_code == 404
    assert api.post(f"/invitations/{mallory}/resend").status_code == 404


def test_a_stale_version_is_refused(acme):
    bob = add_person(acme, "bob@acme.example")
    api = acme.api()
    tag = api.get(f"/users/{bob}").headers["ETag"]
    assert api.patch(f"/users/{bob}", json={"role": "admin"}, headers={"If-Match": tag}).status_code == 200
    assert api.patch(f"/users/{bob}", json={"role": "viewer"}, headers={"If-Match": tag}).status_code == 412


def test_seats_are_counted_and_the_last_one_goes_to_one(acme):
    confirm_owner(acme)
    with acme.ctx() as ctx:
        limit = ctx.tenant.limit("users")
        assert quota(ctx, "users").used == 1
        for number in range(limit - 2):
            invitations.invite(ctx, email=f"p{number}@acme.example", role="viewer")
    barrier, answers = threading.Barrier(4), []
    token = acme.api()

    def invite(number: int) -> None:
        barrier.wait()
        answers.append(token.post("/invitations", json={"email": f"last{number}@acme.example"}).status_code)

    threads = [threading.Thread(target=invite, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 402, 402, 402]
    with acme.ctx() as ctx:
        assert quota(ctx, "users").used == limit
        assert "users" not in recount(ctx)


def test_a_suspended_person_frees_a_seat_and_takes_it_again(acme):
    with acme.ctx() as ctx:
        user = invitations.invite(ctx, email="bob@acme.example", role="viewer")
        user.status = "active"
    with acme.ctx() as ctx:
        service.suspend(ctx, user_id=user.id)
        assert quota(ctx, "users").used == 1
    with acme.ctx() as ctx:
        service.activate(ctx, user_id=user.id)
        assert quota(ctx, "users").used == 2
        assert "users" not in recount(ctx)


def test_provisioning_twice_makes_one_owner(acme):
    with acme.ctx() as ctx:
        service.provision(ctx, {"email": acme.owner_email.upper(), "password_hash": "x"})
        assert len(ctx.db.scalars(select(UserAccount)).all()) == 1


def test_lists_are_paged(acme):
    for number in range(5):
        add_person(acme, f"p{number}@acme.example")
    api, seen, cursor = acme.api(), [], None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = api.get(f"/users{query}").json
        seen += [item["email"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [acme.owner_email, *(f"p{number}@acme.example" for number in range(5))]
    assert api.get("/users?limit=0").status_code == 422
    assert api.get("/users?cursor=nonsense").status_code == 422


def test_ones_own_password_is_changed_with_the_old_one(acme):
    other, api = acme.api(), acme.api()
    wrong = api.post("/users/me/password", json={"current_password": "not it", "new_password": NEW_PASSWORD})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "#/current_password")
    done = api.post("/users/me/password", json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert done.status_code == 204
    assert api.get("/users/me").status_code == 200
    assert other.get("/users/me").status_code == 401
    assert acme.api(password=NEW_PASSWORD).get("/users/me").status_code == 200


def test_guessing_the_old_password_is_slowed_down(acme):
    api, body = acme.api(), {"current_password": "not it", "new_password": NEW_PASSWORD}
    answers = [api.post("/users/me/password", json=body).status_code for _ in range(8)]
    assert answers == [422] * 6 + [429] * 2


class TestPages:
    """The same in the browser."""

    def test_the_page_lists_people_and_invites_one(self, acme, fresh_email):
        browser = sign_in(acme)
        assert "Confirm your address first." in browser.get("/people").text
        early = submit(browser, "/people", {"email": fresh_email, "role": "viewer"})
        assert early.status_code == 422
        confirm_owner(acme)
        done = submit(sign_in(acme), "/people", {"email": fresh_email, "role": "approver"})
        assert done.status_code == 303
        page = browser.get("/people").text
        assert fresh_email in page
        assert "Not yet" in page

    def test_a_wrong_address_is_said_beside_its_field(self, acme):
        confirm_owner(acme)
        answer = submit(sign_in(acme), "/people", {"email": "nobody", "role": "viewer"})
        assert answer.status_code == 422
        assert "Write an e-mail address" in answer.text
        assert 'value="nobody"' in answer.text

    def test_role_and_suspension_are_buttons(self, acme):
        bob = add_person(acme, "bob@acme.example")
        browser = sign_in(acme)
        token = csrf_of(browser.get("/people").text)

        def post(path, **data):
            return browser.post(f"/people/{bob}/{path}", data={"csrf_token": token, **data})

        assert post("role", new_role="approver").status_code == 303
        assert post("role", new_role="emperor").status_code == 422
        assert post("suspension").status_code == 303
        assert "Let in again" in browser.get(f"/people?open={bob}").text
        assert post("activation").status_code == 303
        assert post("invitation").status_code == 422

    def test_the_last_owner_is_told_why_nothing_happens(self, acme):
        me = _owner_id(acme)
        browser = sign_in(acme)
        token = csrf_of(browser.get("/people").text)
        answer = browser.post(f"/people/{me}/role", data={"csrf_token": token, "new_role": "viewer"})
        assert answer.status_code == 422
        assert "Make somebody else an owner first." in answer.text

    def test_ones_own_name_and_password(self, acme):
        browser = sign_in(acme)
        assert submit(browser, "/account", {"name": "Alice B."}).status_code == 303
        assert "Alice B." in browser.get("/account").text
        assert submit(browser, "/account", {"name": " "}).status_code == 422
        data = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert submit(browser, "/account/password", data, page="/account").status_code == 303
        assert browser.get("/account").status_code == 200

    def test_another_device_is_signed_out_from_here(self, acme):
        api, browser = acme.api(), sign_in(acme)
        row = next(item for item in api.get("/auth/sessions").json["items"] if item["kind"] == "api")
        answer = submit(browser, f"/account/sessions/{row['id']}/end", {}, page="/account")
        assert answer.status_code == 303
        assert api.get("/users/me").status_code == 401


def test_a_service_asks_for_the_right_whoever_calls_it(acme):
    with acme.ctx() as ctx:
        bob = replace(ctx, actor=Actor(kind="user", role="viewer"))
        for call in (
            lambda: invitations.invite(bob, email="x@y.example", role="viewer"),
            lambda: service.suspend(bob, user_id=uuid.uuid4()),
            lambda: service.change_role(bob, user_id=uuid.uuid4(), role="owner"),
        ):
            with pytest.raises(Exception, match="permission"):
                call()
