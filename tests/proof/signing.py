"""Signs a report and checks it: Ed25519 over the hashes of both files, as a compact JWS (RFC 7515, RFC 8037).

The key is `PROOF_KEY`, or is made once beside the reports. Give its public part to reviewers by another way than the
report: a signature only says that whoever holds the key made the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from tests.proof.document import markdown

ALGORITHM = "Ed25519"


class NotProven(Exception):
    """The report is not what was signed, or was signed by somebody else."""


def signing_key(folder: Path) -> OKPKey:
    """Return the key of `PROOF_KEY` or of `folder`; made on first use, with its public part beside it."""
    path = Path(os.environ.get("PROOF_KEY") or folder / "key.pem")
    if not path.exists():
        made = OKPKey.import_key(Ed25519PrivateKey.generate())
        path.touch(mode=0o600)
        path.write_bytes(made.as_pem(private=True))
    key = OKPKey.import_key(path.read_bytes())
    (folder / "key.pub").write_bytes(key.as_pem(private=False))
    return key


def write(report: dict[str, Any], folder: Path) -> Path:
    """Write `report` as JSON, Markdown and signature into `folder`, and return the JSON's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"proof-{report['begun_at'].replace(':', '').replace('+0000', 'Z')}.json"
    path.write_text(json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(markdown(report))
    key = signing_key(folder)
    signed = jws.serialize_compact({"alg": ALGORITHM}, json.dumps(_hashes(path)), key, algorithms=[ALGORITHM])
    path.with_suffix(".jws").write_text(signed + "\n")
    return path


def verify(path: Path, public_key: Path) -> dict[str, Any]:
    """Return the report at `path` when the holder of `public_key` signed it and its text says what its values say.

    Raises NotProven.
    """
    key = OKPKey.import_key(public_key.read_bytes())
    try:
        signed = jws.deserialize_compact(path.with_suffix(".jws").read_text().strip(), key, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise NotProven("The signature is not of this key.") from error
    if json.loads(signed.payload) != _hashes(path):
        raise NotProven("The files are not those that were signed.")
    report: dict[str, Any] = json.loads(path.read_text())
    if path.with_suffix(".md").read_text() != markdown(report):
        raise NotProven("The text does not say what the values say.")
    return report


def _hashes(path: Path) -> dict[str, str]:
    return {one.suffix: hashlib.sha256(one.read_bytes()).hexdigest() for one in (path, path.with_suffix(".md"))}
