"""Run the stand-in: `python -m stack.stripe FILE PORT`."""

import logging
import sys
from pathlib import Path

from werkzeug.serving import make_server

from stack.stripe.app import create_app
from stack.stripe.double import Double
from stack.stripe.store import Store


def main(path: str, port: str) -> None:
    """Answer until the process is told to stop."""
    # A line for each call says nothing that the board does not say better.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    double = Double(Store(Path(path)), f"http://127.0.0.1:{port}")
    make_server("127.0.0.1", int(port), create_app(double), threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
