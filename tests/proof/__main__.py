"""Proves that tenants are kept apart, writes a signed report, and checks one.

`make proof` runs the full form. `python -m tests.proof --quick` shows in minutes that all
of it works; `--only programs soak` runs parts; `--seed N` repeats a run. `python -m tests.proof verify FILE` checks a
report, against the public key beside it or the one given.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.proof.parts import DEFECTS, PARTS
from tests.proof.running import ROOT, prove, source_digest
from tests.proof.signing import NotProven, verify, write

FOLDER = ROOT / "var" / "proof"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or verify; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("verb", nargs="?", choices=["run", "verify"], default="run")
    parser.add_argument("file", nargs="?", type=Path, help="the report's JSON file, to verify")
    parser.add_argument("--key", type=Path, help="the public key of whoever signed")
    parser.add_argument("--only", nargs="+", choices=[*(part.name for part in PARTS), DEFECTS], default=[])
    parser.add_argument("--quick", action="store_true", help="the short form of each part")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where reports and key are")
    options = parser.parse_args(arguments)
    if options.verb == "verify":
        return _verify(options.file or _newest(options.folder), options.key)
    chosen = [part for part in PARTS if not options.only or part.name in options.only]
    defects = not options.only or DEFECTS in options.only
    report = prove(chosen, defects=defects, quick=options.quick, seed=options.seed)
    path = write(report, options.folder)
    print(f"{'Every part holds' if report['holds'] else 'NOT every part holds'}: {path.with_suffix('.md')}")
    return 0 if report["holds"] else 1


def _newest(folder: Path) -> Path:
    return max(folder.glob("proof-*.json"), default=folder / "proof.json")


def _verify(path: Path, key: Path | None) -> int:
    try:
        report = verify(path, key or path.with_name("key.pub"))
    except (NotProven, OSError) as error:
        print(f"{path}: {error}")
        return 1
    here = report["source"]["sha256"] == source_digest()
    print(f"{path}: signed by this key, unchanged; {'every part holds' if report['holds'] else 'NOT every part holds'}")
    print(f"The sources here are {'those' if here else 'not those'} that it was made with.")
    return 0 if report["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
