import threading, json, re
from werkzeug.serving import make_server
from playwright.sync_api import sync_playwright
from sqlalchemy import create_engine, text
from alembic.migration import MigrationContext
from alembic.autogenerate import compare_metadata
from tests.accounts.conftest import *
from tests.world import PASSWORD
from app.kit.db import TenantBase

def test_models(superuser_url):
    from tenants.databases import sqlalchemy_url
    e = create_engine(sqlalchemy_url(superuser_url))
    with e.connect() as c:
        c.execute(text("SET search_path = pool_01"))
        c.dialect.default_schema_name = "pool_01"
        diff = compare_metadata(MigrationContext.configure(c, opts={"compare_server_default": True}), TenantBase.metadata)
        mine = [d for d in diff if any(t in repr(d) for t in ("user_account","login_session","auth_token","one_time","throttle"))]
        print("DIFF", mine)
        names = c.execute(text("select conname from pg_constraint k join pg_class c on c.oid=conrelid join pg_namespace n on n.oid=relnamespace where nspname='pool_01' and relname in ('user_account','login_session','auth_token','one_time_token','throttle') and contype<>'n'")).scalars().all()
        want = {k.name for t in TenantBase.metadata.tables.values() if t.name in ('user_account','login_session','auth_token','one_time_token','throttle') for k in t.constraints}
        print("NAMES", set(names) ^ {str(w) for w in want})

def test_openapi(app):
    from app.apidocs.spec import document
    d = document(app)
    for p, ops in d["paths"].items():
        if "/auth" in p or "/users" in p or "/invit" in p:
            for m, o in ops.items():
                if isinstance(o, dict): print(m, p, sorted(o["responses"]))

def test_look(app, acme, world, mails, drain):
    server = make_server("127.0.0.1", 18765, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for n, r in (("bob","admin"),("carla","viewer"),("dan","approver")):
        add_person(acme, f"{n}@acme.example", r)
    confirm_owner(acme)
    base = f"http://{acme.host}:18765"
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = b.new_page(viewport={"width":1200,"height":900})
        page.on("console", lambda m: print("CONSOLE", m.text))
        page.goto(base + "/people"); page.screenshot(path="/tmp/accounts/signin.png")
        page.fill("#f-email", acme.owner_email); page.fill("#f-password", "wrong wrong wrong"); page.click("main button"); page.screenshot(path="/tmp/accounts/wrong.png")
        page.fill("#f-password", PASSWORD); page.click("main button"); page.wait_for_url("**/people")
        page.fill("#f-email", "eva@acme.example"); page.click("text=Send invitation"); page.wait_for_load_state()
        page.screenshot(path="/tmp/accounts/people.png", full_page=True)
        page.goto(base + "/account"); page.screenshot(path="/tmp/accounts/account.png", full_page=True)
        page.set_viewport_size({"width":390,"height":844}); page.goto(base + "/people"); page.screenshot(path="/tmp/accounts/people-phone.png", full_page=True)
        drain()
        page2 = b.new_page(); page2.goto(base + "/invitations/" + token_in(mails("eva@acme.example")[0])); page2.screenshot(path="/tmp/accounts/invite.png")
        b.close()
    server.shutdown()
