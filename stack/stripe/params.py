"""Reading of parameters: every one that a call may take is asked for by name, and what nobody asked for is refused."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from stack.stripe.errors import Refused

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_LONGEST_TEXT = 5_000
_METADATA_KEYS, _METADATA_KEY, _METADATA_VALUE = 50, 40, 500


class Params:
    """One hash of parameters, with the name it has from the outside."""

    def __init__(self, tree: dict[str, Any], name: str = "") -> None:
        """Read from that tree."""
        self._tree = tree
        self._name = name
        self._asked: set[str] = set()
        self._below: list[Params] = []

    def called(self, name: str) -> str:
        """Return the full name of a parameter: `line_items[0][quantity]`."""
        return f"{self._name}[{name}]" if self._name else name

    def has(self, name: str) -> bool:
        """Tell whether the parameter is there."""
        return name in self._tree

    def raw(self, name: str) -> Any:
        """Return a parameter as it came, whatever it is."""
        self._asked.add(name)
        return self._tree.get(name)

    def text(self, name: str, *, longest: int = _LONGEST_TEXT) -> str | None:
        """Return a text, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Refused(f"Invalid string: {value}", param=self.called(name))
        if value == "":
            raise Refused(
                f"You passed an empty string for '{self.called(name)}'. We assume empty values are an attempt to unset "
                f"a parameter; however '{self.called(name)}' cannot be unset. You should remove "
                f"'{self.called(name)}' from your request or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=self.called(name),
            )
        if len(value) > longest:
            raise Refused(
                f"Invalid string: {value[:20]}…; must be at most {longest} characters", param=self.called(name)
            )
        return value

    def required(self, name: str, *, longest: int = _LONGEST_TEXT) -> str:
        """Return a text that has to be there. Raises Refused."""
        return self._there(name, self.text(name, longest=longest))

    def clearable(self, name: str, before: str | None, *, longest: int = _LONGEST_TEXT) -> str | None:
        """Return a text that an update may change, or unset with an empty value. Raises Refused."""
        if not self.has(name):
            return before
        return None if self.raw(name) == "" else self.text(name, longest=longest)

    def whole(self, name: str, *, low: int = -(10**18), high: int = 10**18) -> int | None:
        """Return a whole number, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _WHOLE.fullmatch(value):
            raise Refused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.called(name))
        number = int(value)
        if number < low:
            raise Refused(
                f"This value must be greater than or equal to {low}.",
                code="parameter_invalid_integer",
                param=self.called(name),
            )
        if number > high:
            raise Refused(
                f"This value must be less than or equal to {high} (it currently is '{number}').",
                code="parameter_invalid_integer",
                param=self.called(name),
            )
        return number

    def flag(self, name: str) -> bool | None:
        """Return true or false, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value not in {None, "true", "false"}:
            raise Refused(f"Invalid boolean: {value}", param=self.called(name))
        return None if value is None else value == "true"

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return one of the choices, or None when it is absent. Raises Refused."""
        value = self.text(name)
        if value is not None and value not in choices:
            said = (
                f"must be one of {', '.join(choices[:-1])}, or {choices[-1]}"
                if choices[1:]
                else f"must be {choices[0]}"
            )
            raise Refused(f"Invalid {self.called(name)}: {said}", param=self.called(name))
        return value

    def email(self, name: str) -> str | None:
        """Return an e-mail address, or None when it is absent. Raises Refused."""
        value = self.text(name, longest=800)
        if value is not None and not _MAIL.fullmatch(value):
            raise Refused(f"Invalid email address: {value}", code="email_invalid", param=self.called(name))
        return value

    def address(self, name: str) -> str | None:
        """Return a web address, or None when it is absent. Raises Refused."""
        value = self.text(name)
        if value is not None and not is_web_address(value):
            raise Refused(
                "Not a valid URL"
                if "://" in value
                else "Invalid URL: An explicit scheme (such as https) must be provided.",
                code="url_invalid",
                param=self.called(name),
            )
        return value

    def texts(self, name: str) -> list[str] | None:
        """Return a list of texts, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise Refused("Invalid array", param=self.called(name))
        return list(value)

    def hash(self, name: str) -> "Params | None":
        """Return the hash below a name, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value is None:
            return None
        return self._go_below(value, self.called(name))

    def hashes(self, name: str) -> "list[Params] | None":
        """Return the list of hashes below a name, or None when it is absent. Raises Refused."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise Refused("Invalid array", param=self.called(name))
        return [self._go_below(each, f"{self.called(name)}[{number}]") for number, each in enumerate(value)]

    def metadata(self, before: dict[str, str] | None = None, *, name: str = "metadata") -> dict[str, str]:
        """Return the metadata after this call: new keys added, keys with an empty value gone. Raises Refused."""
        value = self.raw(name)
        merged = dict(before or {})
        if value is None:
            return merged
        if value == "":
            return {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise Refused(f"Invalid hash: {name} must be a hash of strings.", param=self.called(name))
        merged.update(value)
        merged = {key: text for key, text in merged.items() if text != ""}
        self._check_metadata(merged, name)
        return merged

    def finish(self) -> None:
        """Refuse what nobody has asked for, here and below. Raises Refused."""
        for name in self._tree:
            if name not in self._asked:
                called = self.called(name)
                raise Refused(f"Received unknown parameter: {called}", code="parameter_unknown", param=called)
        for each in self._below:
            each.finish()

    def absent(self, name: str) -> Refused:
        """Return the refusal of a call that leaves a parameter out."""
        called = self.called(name)
        return Refused(f"Missing required param: {called}.", code="parameter_missing", param=called)

    def _there(self, name: str, value: str | None) -> str:
        if value is None:
            raise self.absent(name)
        return value

    def _go_below(self, value: Any, called: str) -> "Params":
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=called)
        below = Params(value, called)
        self._below.append(below)
        return below

    def _check_metadata(self, metadata: dict[str, str], name: str) -> None:
        if len(metadata) > _METADATA_KEYS:
            raise Refused(
                f"Metadata can have up to {_METADATA_KEYS} keys, but you passed {len(metadata)}.",
                param=self.called(name),
            )
        for key, text in metadata.items():
            if len(key) > _METADATA_KEY:
                raise Refused(
                    f"Metadata keys can have up to {_METADATA_KEY} characters, but you passed in a key that is "
                    f"{len(key)} characters. Invalid key: {key}",
                    param=self.called(name),
                )
            if len(text) > _METADATA_VALUE:
                raise Refused(
                    f"Metadata values can have up to {_METADATA_VALUE} characters, but you passed in a value that is "
                    f"{len(text)} characters. Invalid value: {text}",
                    param=self.called(name),
                )


def is_web_address(text: str) -> bool:
    """Tell whether that is an absolute http address."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
