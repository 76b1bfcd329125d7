"""Gives Jinja the names that every page uses; `README.md` beside this file lists them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.kit.ids import new_id
from app.web import assets, brand, draw, forms, headers, nav, states
from app.web.format import moment, money, number, on_day, when


def csrf_token() -> str:
    """Return the token that this person's forms carry; the edge puts it into `g.csrf_token`."""
    return str(g.get("csrf_token", ""))


def idempotency_key() -> str:
    """Return a fresh key, so that a form sent twice has its effect once."""
    return str(new_id())


def html_attrs(attrs: dict[str, Any] | None) -> Markup:
    """Return `attrs` as HTML attributes; marks the element when it has hx-* ones. None and False leave one out."""
    if not attrs:
        return Markup("")
    parts = [
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in attrs.items()
        if value is not None and value is not False
    ]
    if any(name.startswith("hx-") for name in attrs):
        parts.append(Markup(" {}").format(headers.HxNonce()))
    return Markup("").join(parts)


def panel_attrs(href: str) -> dict[str, str]:
    """Return the attributes of a link that opens the side panel in place; without script it is a link like any."""
    place = "#panel-place"
    return {"hx-get": href, "hx-select": place, "hx-target": place, "hx-swap": "outerHTML", "hx-push-url": "true"}


def here_with(**changes: Any) -> str:
    """Return this page's address with some query parameters changed; None takes one out."""
    query = MultiDict(request.args)
    for name, value in changes.items():
        if value is None:
            query.poplist(name)
        else:
            query[name] = value
    pairs = [(name, text) for name, texts in query.lists() for text in texts]
    return request.path + ("?" + urlencode(pairs) if pairs else "")


def theme() -> str:
    """Return the theme this person chose, "light" or "dark", or "" for the system's."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""


def site_name() -> str:
    """Return the workspace's name inside one, "Terrace" elsewhere."""
    tenant = g.get("tenant")
    return str(tenant.company_name) if tenant is not None else "Terrace"


def brand_href() -> str:
    """Return the address of the workspace's colour, or "" where the default holds."""
    tenant = g.get("tenant")
    if tenant is None:
        return ""
    colour = brand.colour_of(tenant)
    return "" if colour == brand.DEFAULT else f"/brand.css?v={colour[1:]}"


def install(app: Flask) -> None:
    """Register every global and filter on `app`, before its first template is compiled."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=assets.asset,
        brand_href=brand_href,
        csrf_token=csrf_token,
        field_error=forms.field_error,
        field_value=forms.field_value,
        font_css_href=assets.font_css_href,
        form_errors=forms.form_errors,
        here_with=here_with,
        html_attrs=html_attrs,
        hue_of=draw.hue_of,
        hx=headers.HxNonce(),
        icon=assets.icon,
        idempotency_key=idempotency_key,
        initials=draw.initials,
        nonce=headers.nonce,
        settings_nav=nav.settings_nav,
        shell=nav.shell,
        panel_attrs=panel_attrs,
        site_name=site_name,
        spark_line=draw.spark_line,
        state_look=states.look_of,
        svg_icon=assets.icon,
        theme=theme,
    )
    app.jinja_env.filters.update(money=money, when=when, moment=moment, on_day=on_day, number=number)
