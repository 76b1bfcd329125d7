"""The data folder keeps passwords to itself, ports the same, and one run at a time."""

import json
import socket
import stat
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.folder import DataFolder
from stack.ports import SHADOW, is_free


def test_a_password_is_kept_for_its_owner_only(folder: DataFolder) -> None:
    password = folder.passwords.get("valkey")

    assert len(password) == 48
    assert stat.S_IMODE((folder.root / "secrets.json").stat().st_mode) == 0o600
    assert DataFolder(folder.root).passwords.get("valkey") == password
    assert folder.passwords.get("other") != password


def test_a_port_stays_the_same(folder: DataFolder) -> None:
    port = folder.ports.get("web")

    assert DataFolder(folder.root).ports.get("web") == port
    assert folder.ports.get("other") != port


def test_a_port_that_was_taken_meanwhile_is_replaced(folder: DataFolder) -> None:
    port = folder.ports.get("web")
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert folder.ports.get("web") != port


def test_a_port_whose_shadow_is_taken_is_replaced(folder: DataFolder) -> None:
    port = folder.ports.get("s3", shadow=True)
    with socket.create_server(("127.0.0.1", port + SHADOW)):
        assert folder.ports.get("s3", shadow=True) != port


def test_ports_stay_below_those_of_outgoing_connections(folder: DataFolder) -> None:
    for number in range(50):
        folder.ports.get(f"server-{number}", shadow=True)

    assert all(port + SHADOW < 32_768 for port in json.loads((folder.root / "ports.json").read_text()).values())


def test_a_folder_in_use_is_refused_with_the_process_that_uses_it(folder: DataFolder) -> None:
    folder.lock()

    with pytest.raises(StackError, match=r"is in use by process \d+: stop that one, or set DATA_DIR"):
        DataFolder(folder.root).lock()

    folder.unlock()
    second = DataFolder(folder.root)
    second.lock()
    second.unlock()


def test_a_folder_that_cannot_be_made_is_said(place: Path) -> None:
    (place / "file").write_text("")

    with pytest.raises(StackError, match=r"^DATA_DIR cannot be used: .*"):
        DataFolder(place / "file" / "data")
