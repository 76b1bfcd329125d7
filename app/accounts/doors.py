"""Doors that must find their tenant themselves: signing in works on the workspace's host and on the apex."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import cookies
from app.accounts.errors import TokenInvalid
from app.accounts.sessions import Visitor
from app.accounts.signin import Doorman
from app.kit.errors import Invalid, TooManyRequests, Unauthenticated
from app.kit.problems import problem
from app.web.redirects import safe_path
from config.logging import bind_log_fields
from tenants.edge import runtime
from tenants.errors import NoSuchTenant, TenantNotReady, TenantSuspended
from tenants.tenant import Tenant

_NAME_IT = "Send the workspace's short name, or use the workspace's own address."


def tenant_here(*, organization_code: str | None = None, named: UUID | None = None) -> Tenant:
    """Return the tenant of the host, or on the apex the one that the code or the credential names.

    Raises Invalid when none is named or host and code disagree, TokenInvalid when host and credential disagree, and
    whatever the gate of a workspace raises.
    """
    resolver = runtime().resolver
    if not resolver.is_apex(g.host):
        tenant = resolver.by_host(g.host)
        if organization_code is not None and organization_code != tenant.slug:
            raise Invalid.field("organization_code", "This address belongs to another workspace.")
        if named is not None and named != tenant.id:
            raise TokenInvalid("Sign in again.")
    elif named is not None:
        tenant = resolver.by_id(named)
    elif organization_code is not None:
        tenant = resolver.by_slug(organization_code)
    else:
        raise Invalid.field("organization_code", _NAME_IT)
    _pass_gate(tenant)
    return tenant


def _pass_gate(tenant: Tenant) -> None:
    """Hold this door to what every other door of the workspace demands."""
    bind_log_fields(tenant_id=str(tenant.id), tenant_tier=tenant.tier.name)
    g.tenant = tenant
    if tenant.status == "deleted":
        raise NoSuchTenant
    if tenant.status == "suspended":
        raise TenantSuspended(tenant.status_reason or None)
    if tenant.status != "active":
        raise TenantNotReady(headers={"Retry-After": "2"})
    verdict = runtime().limiter.check(tenant)
    g.rate = verdict
    if not verdict.allowed:
        raise TooManyRequests("Try again in a moment.", headers={"Retry-After": str(verdict.retry_after)})


def doorman(tenant: Tenant) -> Doorman:
    """Return who lets people of `tenant` in for this request."""
    return Doorman(runtime(), tenant, g.request_id)


def visitor() -> Visitor:
    """Describe who sends this request."""
    return Visitor(request.remote_addr or "", request.headers.get("User-Agent", ""))


def ask_to_sign_in(error: Unauthenticated) -> ResponseReturnValue:
    """Answer a request that needs a person: a problem for programs, the sign-in page for people."""
    if request.path.startswith(("/api/", "/.well-known/")):
        return problem(error, instance=request.path, request_id=g.get("request_id", ""))
    if runtime().resolver.is_apex(g.host):
        return redirect(url_for("accounts.find"), 303)
    back = safe_path(request.full_path.rstrip("?")) if request.method == "GET" else "/home"
    response: Response
    if request.headers.get("HX-Request"):
        response = make_response(render_template("accounts/signin_part.html", signin=url_for("accounts.signin")), 401)
    else:
        response = make_response(redirect(url_for("accounts.signin", next=back, ended=_ended()), 303))
    # What was refused here must not be sent again, or a cookie of another workspace would lock the door for good.
    cookies.drop_session(runtime().settings, response)
    return response


def _ended() -> str | None:
    return "1" if cookies.read(runtime().settings, request, "session") else None
