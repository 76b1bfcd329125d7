"""The edge of every request: tenant, status, rate, credential, right, feature, transaction, answer. In that order."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from typing import Any, cast

from flask import Flask, Response, current_app, g, make_response, request

from app.kit.auth import Authenticator, Claim
from app.kit.clock import utcnow
from app.kit.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated
from config.logging import begin_log_fields, bind_log_fields
from tenants import bodies, repeats, retries, telemetry
from tenants.access import MAX_BODY, Access, access_of
from tenants.admission import Gate, Urgency
from tenants.bodies import SAFE
from tenants.context import ANONYMOUS, Ctx
from tenants.errors import FeatureOff, NoSuchTenant, TenantIsolationError, TenantNotReady, TenantSuspended
from tenants.lookout import Lookout
from tenants.rate import Verdict
from tenants.runtime import Runtime
from tenants.succession import Succession
from tenants.tenant import Tenant

log = logging.getLogger(__name__)


def current() -> Ctx:
    """Return the context of this request; for doors only.

    Raises TenantIsolationError on a route that is bound to no tenant.
    """
    ctx = g.get("ctx")
    if ctx is None:
        raise TenantIsolationError("this route has no tenant")
    return cast(Ctx, ctx)


def runtime() -> Runtime:
    """Return the process's runtime; for doors only."""
    return cast(Runtime, g.runtime)


class Edge:
    """Guards every view of the application."""

    def __init__(self, runtime: Runtime, authenticators: list[Authenticator]) -> None:
        self._runtime = runtime
        self._authenticators = authenticators
        self._gate = Gate(runtime.settings.pool_size)
        databases = runtime.databases
        self._succession = Succession(runtime.settings.data_dir / "run" / "web")
        self._lookouts = {name: Lookout(databases.engine(name)) for name in databases.names()}

    def install(self, app: Flask) -> None:
        """Wrap every view of `app`.

        Raises RuntimeError when a view declares neither a permission nor why it is public.
        """
        undeclared = [name for name, view in app.view_functions.items() if access_of(view) is None]
        if undeclared:
            raise RuntimeError(f"routes without @access or @public: {', '.join(sorted(undeclared))}")
        for name, view in app.view_functions.items():
            app.view_functions[name] = self._guard(view, cast(Access, access_of(view)))
        # First of all: a module's own check may read the form, and must find its limit set.
        app.before_request_funcs.setdefault(None, []).insert(0, self._identify_request)
        app.after_request(self._succession.end_connection)
        app.after_request(bodies.read_the_rest)
        app.after_request(_name_request)
        app.after_request(telemetry.record)
        self._succession.start()
        app.extensions["terrace.lookouts"] = self._lookouts
        for lookout in self._lookouts.values():
            lookout.start()

    def _identify_request(self) -> None:
        telemetry.start()
        bodies.bound()
        request_id = str(uuid.uuid4())
        # One way through the proxy instead of five.
        vars(g._get_current_object()).update(
            runtime=self._runtime,
            request_id=request_id,
            started=utcnow(),
            host=request.environ["terrace.host"],
        )
        begin_log_fields(request_id=request_id, function=request.endpoint)
        view = current_app.view_functions.get(request.endpoint or "")
        declared = access_of(view) if view else None
        request.max_content_length = declared.max_body if declared else MAX_BODY

    def _guard(self, view: Callable[..., Any], access: Access) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(**values: Any) -> Response:
            if access.urgency is not None:
                self._lookouts["main"].require()
            claim = self._claim(access)
            tenant = self._tenant(access, claim)
            g.tenant = tenant
            if tenant is not None:
                self._admit(tenant, access)
            if claim is not None or not access.signed_in:
                bodies.take_in(access)
            if tenant is None:
                return self._outside(access, lambda: make_response(view(**values)))
            self._lookouts[tenant.database].require()
            urgency, share = access.urgency or Urgency.CRITICAL, tenant.tier.concurrent_requests
            with self._gate.admitted(tenant.id, share, urgency) as waited:
                return retries.persist(
                    lambda spent: self._inside(tenant, claim, access, waited + spent, view, values),
                    is_read=request.method in SAFE,
                    is_whole=access.idempotent,
                    hopeful=self._lookouts[tenant.database].require,
                )

        return guarded

    def _outside(self, access: Access, answer: Callable[[], Response]) -> Response:
        """Answer a request that belongs to no tenant."""
        if access.urgency is None:
            return answer()
        with self._gate.admitted(None, self._runtime.settings.pool_size, access.urgency):
            return answer()

    def _claim(self, access: Access) -> Claim | None:
        for authenticator in self._authenticators:
            g.authenticator = authenticator
            try:
                claim = authenticator.claim(request)
            except Unauthenticated:
                if access.signed_in:
                    raise
                continue
            if claim is not None:
                return claim
        return None

    def _tenant(self, access: Access, claim: Claim | None) -> Tenant | None:
        """Find the tenant by host or credential; where both name one they must agree."""
        resolver = self._runtime.resolver
        if access.host == "any":
            return None
        if resolver.is_apex(g.host):
            if access.host == "apex":
                return None
            if claim is None or claim.tenant_id is None:
                raise _no_credential()
            return resolver.by_id(claim.tenant_id)
        tenant = resolver.by_host(g.host)
        if access.host == "apex":
            raise NotFound
        if claim is not None and claim.tenant_id not in (None, tenant.id):
            # The same answer as for a token that nobody issued: the host must not reveal whose token it is.
            raise Unauthenticated("This sign-in belongs to another workspace.", code="auth.token_invalid")
        return tenant

    def _admit(self, tenant: Tenant, access: Access) -> None:
        bind_log_fields(tenant_id=str(tenant.id), tenant_tier=tenant.tier.name)
        if tenant.status == "deleted":
            raise NoSuchTenant
        if tenant.status not in access.statuses:
            if tenant.status == "suspended":
                raise TenantSuspended(tenant.status_reason or None)
            raise TenantNotReady(headers={"Retry-After": "2"})
        if access.metered:
            verdict = self._runtime.limiter.check(tenant)
            g.rate = verdict
            if not verdict.allowed:
                raise _too_many(tenant, verdict)

    def _inside(
        self,
        tenant: Tenant,
        claim: Claim | None,
        access: Access,
        spent: float,
        view: Callable[..., Any],
        values: dict[str, Any],
    ) -> Response:
        with self._runtime.tenant_session(tenant, spent=spent) as session:
            ctx = Ctx(tenant, ANONYMOUS, session, g.started, g.request_id, self._runtime)
            if claim is not None:
                ctx = Ctx(tenant, self._actor(ctx, claim, access), session, ctx.now, ctx.request_id, self._runtime)
            g.ctx = ctx
            self._authorise(ctx, access)
            response = repeats.once(ctx, access, lambda: make_response(view(**values)))
            session.commit()
            self._runtime.ring(session)
            return response

    def _actor(self, ctx: Ctx, claim: Claim, access: Access) -> Any:
        try:
            return g.authenticator.actor(ctx, claim)
        except (Unauthenticated, Forbidden):
            if access.signed_in:
                raise
            return ANONYMOUS

    def _authorise(self, ctx: Ctx, access: Access) -> None:
        if access.signed_in:
            if ctx.actor.kind == "anonymous":
                raise _no_credential()
            if access.permission is not None:
                ctx.require(access.permission)
        if access.feature is not None and not ctx.tenant.has_feature(access.feature):
            raise FeatureOff(f"{ctx.tenant.tier.label} does not include {access.feature.replace('_', ' ')}.")


def _no_credential() -> Unauthenticated:
    return Unauthenticated(headers={"WWW-Authenticate": "Bearer"})


def _too_many(tenant: Tenant, verdict: Verdict) -> TooManyRequests:
    return TooManyRequests(
        f"{tenant.tier.label} allows {verdict.limit} requests a second. Try again in {verdict.retry_after} s.",
        headers={"Retry-After": str(verdict.retry_after)},
        limit={"metric": "requests per second", "limit": verdict.limit, "resets_in": verdict.reset},
        who_can_raise=["owner", "admin"],
    )


def _name_request(response: Response) -> Response:
    # Added and not set: nobody else writes these, and setting searches all headers for an older one first.
    response.headers.add("X-Request-Id", g.get("request_id", ""))
    verdict: Verdict | None = g.get("rate")
    if verdict is not None:
        response.headers.add("RateLimit-Limit", str(verdict.limit))
        response.headers.add("RateLimit-Remaining", str(verdict.remaining))
        response.headers.add("RateLimit-Reset", str(verdict.reset))
    return response
