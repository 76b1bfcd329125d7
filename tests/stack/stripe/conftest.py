"""One stand-in for all tests here, an account of its own for each, and a receiver of webhooks."""

import json
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from stack.folder import DataFolder
from stack.payments import Payments


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    root = Path(tempfile.mkdtemp(prefix="terrace-place-"))
    launcher = Payments(DataFolder(root))
    launcher.start()
    launcher.wait_ready()
    yield launcher.env()["STRIPE_API_BASE"]
    launcher.stop()
    shutil.rmtree(root)


@dataclass
class Shop:
    """One account, as its owner, its buyers and a test reach it."""

    site: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def key(self) -> str:
        return f"sk_test_{self.name}"

    @property
    def client(self) -> stripe.StripeClient:
        return stripe.StripeClient(self.key, base_addresses={"api": self.site}, max_network_retries=0)

    @property
    def api(self) -> Any:
        return self.client.v1

    def session(self, **more: Any) -> Any:
        line = {"price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Lamp"}}, "quantity": 2}
        usual = {
            "mode": "payment",
            "line_items": [line],
            "success_url": "http://acme.localhost:8000/orders/7?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://acme.localhost:8000/cart",
        }
        return self.api.checkout.sessions.create({**usual, **more})

    def pay(self, session: Any, way: str = "accepted", *, email: str = "ada@harbour.example") -> requests.Response:
        data = {"email": email, "name": "Ada", "way": way}
        return requests.post(session["url"], data=data, allow_redirects=False, timeout=10)

    def paid(self, amount: int = 2500, **more: Any) -> Any:
        """Return a payment intent that has succeeded."""
        line = {
            "price_data": {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Lamp"}},
            "quantity": 1,
        }
        session = self.session(line_items=[line], **more)
        self.pay(session)
        expand = {"expand": ["payment_intent"]}
        return self.api.checkout.sessions.retrieve(session.id, expand).payment_intent

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self.site}/_control/{self.name}{path}", json=body, timeout=70)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def settle(self) -> None:
        assert self.control("POST", "/settle") == {"settled": True}

    def advance(self, seconds: int) -> int:
        return int(self.control("POST", "/clock", advance=seconds)["now"])

    def events(self) -> list[str]:
        """Return the types of what happened, in order."""
        return [event.type for event in self.api.events.list({"limit": 100}).data][::-1]


@pytest.fixture
def shop(site: str) -> Shop:
    return Shop(site)


@pytest.fixture
def other_shop(site: str) -> Shop:
    return Shop(site)


@dataclass
class Inbox:
    """A web server that keeps what is sent to it and answers as it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, bytes]] = field(default_factory=list)
    # Unset, it makes senders wait.
    open: threading.Event = field(default_factory=threading.Event)

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    box.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.got.append((self.headers["Stripe-Signature"], body))
            box.open.wait(20)
            self.send_response(box.answers.pop(0) if box.answers else 200)
            self.send_header("Location", f"{box.url}elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Many deliveries knock at once; the usual five may wait, and the rest would find the door shut.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    box.url = f"http://shop.localhost:{server.server_port}/webhooks/stripe?v=1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield box
    box.open.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint(shop: Shop, inbox: Inbox) -> Any:
    """Return a webhook endpoint of the shop that wants every event."""
    return shop.api.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["*"]})
