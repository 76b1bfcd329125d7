"""The report as a reader gets it, made from the plain values alone, so that anybody can make it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any


def markdown(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    return "\n".join([*_head(report), *(line for part in report["parts"] for line in _part(part)), *_foot(report)])


def _head(report: dict[str, Any]) -> Iterator[str]:
    yield f"# {report['what']}"
    yield ""
    yield "**Every part holds.**" if report["holds"] else "**Not every part holds; see below.**"
    yield ""
    yield f"- Begun {report['begun_at']}, form: {report['form']}, seed: {report['seed']}"
    yield f"- Commit {report['source']['commit']}, sources {report['source']['sha256']}"
    yield f"- {report['machine']}"
    yield f"- {', '.join(f'{name} {version}' for name, version in sorted(report['versions'].items()))}"
    yield ""
    yield "| Part | Result | Tests | Minutes | Length |"
    yield "|---|---|---|---|---|"
    for part in report["parts"]:
        length = ", ".join(f"{name} {value}" for name, value in part["length"].items())
        result = "holds" if part["holds"] else "**fails**"
        yield f"| {part['name']} | {result} | {_passed(part)} | {part['seconds'] / 60:.1f} | {length} |"


def _passed(part: dict[str, Any]) -> str:
    total: Counter[str] = Counter()
    for counts in part["files"].values():
        total.update(counts)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items()))


def _part(part: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {part['name']}\n"
    yield part["claim"]
    yield ""
    yield f"Run by `{' '.join(part['tests'])}`."
    for title, lines in (("Failed", part["failures"]), ("What the tests said", part["said"])):
        if lines:
            yield f"\n{title}:\n"
            yield from (f"- {_plain(line)}" for line in lines)
    if part["files"]:
        yield "\n| File | Result |\n|---|---|"
        for name, counts in part["files"].items():
            yield f"| {name} | {', '.join(f'{count} {outcome}' for outcome, count in counts.items())} |"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _foot(report: dict[str, Any]) -> Iterator[str]:
    yield "\n## To check this\n"
    yield "- That it is ours and unchanged: `python -m tests.proof verify FILE --key PUBLIC_KEY`."
    yield f"- By running it again: check out the commit, `make setup`, `python -m tests.proof --seed {report['seed']}`."
    yield ""
