"""Builds the application: loops over the modules, registers what they contribute, puts the edge around every view."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask
from typing_extensions import override
from werkzeug.middleware.proxy_fix import ProxyFix

from app import failures
from app.apidocs.spec import build_api
from app.demo import seed_demo
from app.hosts import OneHost
from app.kit.module import Module
from app.modules import MODULES
from app.web import templating
from app.web.flashes import FlashCookie
from app.web.headers import SecureHeaders, page_policy
from config.settings import Settings
from tenants.cli import tenants_cli
from tenants.edge import Edge
from tenants.provisioning import JOBS, SCHEDULES
from tenants.runtime import Runtime


def build_runtime(settings: Settings, **options: Any) -> Runtime:
    """Build the runtime with everything that the modules declare; what web, workers and command line share."""
    runtime = Runtime.build(settings, **options)
    for spec in JOBS:
        runtime.jobs.add(spec)
    runtime.schedules.extend(SCHEDULES)
    for module in MODULES:
        _contribute(runtime, module)
    return runtime


def _contribute(runtime: Runtime, module: Module) -> None:
    runtime.modules.append(module)
    for event, specs in module.on.items():
        for spec in specs:
            runtime.jobs.add(spec)
            runtime.handlers.setdefault(event.TYPE, []).append(spec.kind)
    for spec in module.jobs:
        runtime.jobs.add(spec)
    runtime.schedules.extend(module.schedules)
    runtime.permissions.update(module.permissions)
    runtime.quotas.update(module.quotas)
    if module.on_provision:
        runtime.provision_hooks.append(module.on_provision)


class _Terrace(Flask):
    """Flask without the question, asked nine times a request, whether a view is a coroutine: none is."""

    @override
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> Flask:
    """Return the application, ready to serve.

    Raises SettingsError for a wrong setting and RuntimeError for a route without a declaration.
    """
    if runtime is None:
        runtime = build_runtime(settings or Settings.from_env(os.environ))
    app = _Terrace("app", static_folder=None)
    app.session_interface = FlashCookie()
    app.config.update(
        SECRET_KEY=runtime.settings.secret_key,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=2000,
        JSON_SORT_KEYS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.url_map.strict_slashes = False
    app.extensions["terrace"] = runtime
    app.wsgi_app = SecureHeaders(OneHost(app.wsgi_app), https=runtime.settings.secure)  # type: ignore[method-assign]
    if runtime.settings.proxy_hops:
        hops = runtime.settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    templating.install(app)
    failures.install(app)
    api = build_api(app)
    for module in MODULES:
        for blueprint in module.api:
            api.register_blueprint(blueprint)
        for blueprint in module.web:
            app.register_blueprint(blueprint)
        if module.install:
            module.install(app, runtime)
    Edge(runtime, [a for module in MODULES for a in module.authenticators]).install(app)
    app.after_request(page_policy)
    runtime.limiter.start()
    tenants_cli.add_command(seed_demo)
    app.cli.add_command(tenants_cli)
    return app
