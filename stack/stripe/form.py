"""Bodies as the SDKs send them: `line_items[0][price_data][currency]=eur` and `expand[]=customer` become a tree."""

import re
from typing import Any
from urllib.parse import parse_qsl

from stack.stripe.errors import Refused

Tree = dict[str, Any]
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_MOST_FIELDS = 2_000


def parse(text: str) -> Tree:
    """Return the tree of a form-encoded body or query. Raises Refused for a name that is none, or used twice over."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Refused("The request is not a readable form.") from error
    tree: Tree = {}
    for name, value in pairs:
        _put(tree, _path(name), value, name)
    folded = _fold(tree)
    return folded if isinstance(folded, dict) else {}


def _path(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise Refused(f"Invalid request: the parameter name {name!r} cannot be read.", param=name)
    return [found[1], *_PART.findall(found[2])]


def _put(tree: Tree, path: list[str], value: str, name: str) -> None:
    for part in path[:-1]:
        below = tree.setdefault(_slot(tree, part), {})
        if not isinstance(below, dict):
            raise Refused(f"Invalid request: {name} is given as a value and as a hash.", param=name)
        tree = below
    last = _slot(tree, path[-1])
    if isinstance(tree.get(last), dict):
        raise Refused(f"Invalid request: {name} is given as a value and as a hash.", param=name)
    tree[last] = value


def _slot(tree: Tree, part: str) -> str:
    # An empty pair of brackets adds to the end of a list.
    return part or str(len(tree))


def _fold(tree: Any) -> Any:
    """Turn every hash whose keys are 0, 1, 2 … into a list."""
    if not isinstance(tree, dict):
        return tree
    folded = {key: _fold(value) for key, value in tree.items()}
    if folded and all(key.isascii() and key.isdigit() for key in folded):
        return [folded[key] for key in sorted(folded, key=int)]
    return folded
