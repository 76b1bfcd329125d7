"""The few lines that `make run` prints when everything answers."""

from collections.abc import Mapping

from stack.database import demo_password
from stack.folder import DataFolder

DEMO_SLUG, DEMO_EMAIL = "demo", "demo@terrace.example"
_WIDTH = 72


def render(env: Mapping[str, str], folder: DataFolder, seconds: float) -> str:
    """Return the panel."""
    site = env["BASE_URL"]
    scheme, _, host = site.partition("://")
    rows = [
        ("Open", site),
        ("Demo", f"{scheme}://{DEMO_SLUG}.{host}"),
        ("", f"{DEMO_EMAIL}  ·  {demo_password(folder)}"),
        ("Mail", env.get("MAILBOX_URL", f"goes out through {env['SMTP_URL'].rpartition('@')[2]}")),
        ("Stripe", env["STRIPE_API_BASE"]),
        ("API", f"{site}/api/docs"),
        ("Logs", str(folder.logs)),
    ]
    if "DATABASE_SUPERUSER_URL" not in env:
        # The demo belongs to the embedded database; another one is left as it is.
        rows = [row for row in rows if row[0] not in {"Demo", ""}]
    line = "─" * _WIDTH
    body = [f"  {name:<7}{value}" for name, value in rows]
    return "\n".join([line, f"  Terrace is up, after {seconds:.1f} s", "", *body, "", "  Ctrl-C stops it.", line])
