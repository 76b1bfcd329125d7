"""Pages and files that belong to no product: landing, static files, brand colour, theme, policy reports."""

from __future__ import annotations

import logging
import mimetypes
from datetime import timedelta

from flask import Blueprint, Response, g, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from app.kit.clock import utcnow
from app.kit.errors import NotFound
from app.web import assets, brand, nav
from app.web.budget import Budget
from app.web.forms import FormState
from app.web.redirects import safe_path
from tenants.access import access, public
from tenants.edge import current, runtime
from tenants.tiers import tiers

log = logging.getLogger(__name__)

web = Blueprint("web", __name__, template_folder="templates", static_folder=None)

_YEAR = "public, max-age=31536000, immutable"
_HOUR = "public, max-age=3600"
_REPORT_BYTES = 16_384
# Whoever finds the address may post to it, so a minute's worth of lines is all they get into the log.
_reports = Budget(30, per_seconds=60)
_THEMES = ("light", "dark")


@web.get("/")
@public("The front of the installation; a workspace's front door only leads on", host="any")
def landing() -> BaseResponse | str:
    """Show what Terrace is on the apex; lead into the workspace elsewhere."""
    if not runtime().resolver.is_apex(g.host):
        return redirect("/home", 303)
    return render_template("web/landing.html", tiers=list(tiers().values()))


@web.get("/static/<path:name>")
@public("Files that every page needs", host="any")
def static(name: str) -> Response:
    """Send a static file; one whose address names its content may be kept for a year."""
    body = assets.packed(name) if request.accept_encodings.quality("gzip") > 0 else None
    if body is None:
        response = send_from_directory(assets.STATIC, name, conditional=True, etag=True)
    else:
        response = Response(body, mimetype=mimetypes.guess_type(name)[0], headers={"Content-Encoding": "gzip"})
        response.set_etag(f"{assets.digest(name)}-gzip")
        response.make_conditional(request)
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = _YEAR if assets.is_immutable(name, request.args.get("v")) else _HOUR
    return response


@web.get("/fonts.css")
@public("The fonts that every page needs", host="any")
def fonts() -> Response:
    """Send the font rules."""
    return Response(assets.font_css(), mimetype="text/css", headers={"Cache-Control": _YEAR})


@web.get("/brand.css")
@public("The colour of a workspace is on its sign-in page", metered=False)
def brand_css() -> Response:
    """Send the colour of the workspace and nothing else."""
    css = brand.stylesheet(brand.colour_of(current().tenant))
    return Response(css, mimetype="text/css", headers={"Cache-Control": "private, max-age=86400"})


@web.post("/theme")
@public("Light or dark is a choice of this browser", host="any", idempotent=False)
def choose_theme() -> BaseResponse:
    """Remember light or dark in this browser, and go back to where the person was."""
    response = redirect(safe_path(request.form.get("next")), 303)
    theme = request.form.get("theme", "")
    if theme in _THEMES:
        response.set_cookie(
            "theme", theme, max_age=31_536_000, samesite="Lax", secure=runtime().settings.secure, path="/"
        )
    else:
        response.delete_cookie("theme")
    return response


@web.post("/csp-report")
@public("Browsers report what the content policy blocked, without credentials", host="any", idempotent=False)
def csp_report() -> Response:
    """Log a report of the content policy; size and number are bounded, and its text is never trusted."""
    body = request.get_data()
    if len(body) <= _REPORT_BYTES and _reports.take():
        log.warning("content policy report", extra={"report": body.decode("utf-8", "replace")})
    return Response(status=204)


@web.get("/search")
@access(None)
def search() -> BaseResponse | str:
    """Jump to a page by its name, or offer the lists to look in."""
    text = request.args.get("q", "").strip()
    items = nav.nav_items()
    hits = [item for item in items if text and text.casefold() in item.label.casefold()]
    return render_template("web/search.html", q=text, hits=hits, lists=[i for i in items if i.group == "Sell"])


@web.get("/_parts")
@public("The parts of the design, with invented content", host="any")
def parts() -> str:
    """Show every part in its states, for whoever builds pages; not in production."""
    if runtime().settings.production:
        raise NotFound
    now = utcnow()
    wrong = {"slug": "harbour is taken. Try harbour-press.", "price": "Write a number, like 14.90."}
    state = FormState({"company_name": "Harbour Press", "slug": "harbour", "price": "4l2"}, wrong)
    return render_template(
        "web/parts_page.html", now=now - timedelta(minutes=12), old=now - timedelta(days=3), form=state
    )
