"""What the API answers when it refuses, in the shape that Stripe's own libraries take apart."""

from typing import Any


class Refused(Exception):
    """Carry one error body. `executed` says that the call had begun, so that its answer belongs to its key."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
    ) -> None:
        """Describe the refusal."""
        super().__init__(message)
        self.status = status
        self.executed = executed
        fields = {"code": code, "message": message, "param": param, "type": kind}
        self.body: dict[str, Any] = {"error": {name: value for name, value in fields.items() if value is not None}}


def missing(kind: str, key: str, *, param: str = "id", status: int = 404) -> Refused:
    """Return the refusal of an object that this account does not have."""
    return Refused(f"No such {kind}: '{key}'", status=status, code="resource_missing", param=param)


def unknown_key(key: str) -> Refused:
    """Return the refusal of a key; most of it is hidden, as it may be somebody's real one."""
    shown = f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 16 else "*" * len(key)
    return Refused(f"Invalid API Key provided: {shown}", status=401)


def unexpected(message: str, *, code: str | None = None, param: str | None = None) -> Refused:
    """Return the refusal of a right call at a wrong time; it stays the answer for its idempotency key."""
    return Refused(message, code=code, param=param, executed=True)
