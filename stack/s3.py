"""The embedded S3 server: SeaweedFS in one process."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from typing_extensions import override

from stack import binaries
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.ports import SHADOW
from stack.process import Process

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "terrace"
_REGION = "us-east-1"
_PROBE = ".terrace-ready"
_ACTIONS = ["Admin", "Read", "List", "Tagging", "Write"]
# Without these two it grows to four times the memory.
_GO = {"GOMEMLIMIT": "160MiB", "GOGC": "50"}
# Linux takes no longer socket path; the longest name weed adds is about this long.
_SOCKET_PATH, _SOCKET_NAME = 107, 40


class S3(Launcher):
    """SeaweedFS on ports of its own, with one key, one bucket and no telemetry."""

    def __init__(self, folder: DataFolder) -> None:
        """Choose nothing yet."""
        self._folder = folder
        self._home = folder.root / "s3"
        self._ports: dict[str, int] = {}
        self.process = Process("s3", run=folder.run, logs=folder.logs, patience=15)

    @override
    def start(self) -> None:
        """Write the key file and start the server. Raises StackError."""
        self.process.end_leftover()
        program = binaries.weed()
        data, sockets = self._home / "data", self._home / "tmp"
        for place in (self._home, data, sockets):
            place.mkdir(mode=0o700, exist_ok=True)
        ports = {name: self._folder.ports.get(f"s3-{name}", shadow=True) for name in _PORT_FLAGS}
        self._ports = ports
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self._home), "LC_ALL": "C.UTF-8", **_GO}
        flags = self._flags(data, ports)
        if len(str(sockets)) + _SOCKET_NAME <= _SOCKET_PATH:
            env["TMPDIR"] = str(sockets)
            flags += [f"-{part}.localSocket={sockets / part}.sock" for part in ("s3", "filer")]
        command: list[str | Path] = [program, "-logtostderr=true", "mini", *flags]
        self.process.start(command, env=env, cwd=self._home)

    @override
    def wait_ready(self) -> None:
        """Return when the bucket is there and takes an object: a list works long before. Raises StackError."""
        self.process.wait_until(self._takes_objects, timeout=120)

    @override
    def env(self) -> dict[str, str]:
        """Return the address, the key and the bucket."""
        return {
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{self._ports['s3']}",
            "S3_BUCKET": BUCKET,
            "AWS_ACCESS_KEY_ID": self._folder.passwords.get("s3-access")[:20],
            "AWS_SECRET_ACCESS_KEY": self._folder.passwords.get("s3-secret"),
            "AWS_REGION": _REGION,
        }

    @override
    def stop(self) -> None:
        """Stop the server, and remove the sockets that it leaves in the system's temporary folder."""
        super().stop()
        for port in self._ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-grpc-{port + SHADOW}.sock"):  # noqa: S108 (weed's choice)
                socket.unlink(missing_ok=True)

    def _flags(self, data: Path, ports: dict[str, int]) -> list[str]:
        return [
            f"-dir={data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-webdav=false",
            "-admin.ui=false",
            *(f"-{_PORT_FLAGS[name]}={port}" for name, port in ports.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.preStopSeconds=0",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            f"-s3.config={self._write_keys()}",
        ]

    def _write_keys(self) -> Path:
        env = self.env()
        key = {"accessKey": env["AWS_ACCESS_KEY_ID"], "secretKey": env["AWS_SECRET_ACCESS_KEY"]}
        path = self._home / "keys.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"identities": [{"name": "app", "credentials": [key], "actions": _ACTIONS}]}))
        return path

    def _takes_objects(self) -> bool:
        client = self._client()
        try:
            client.create_bucket(Bucket=BUCKET)
        except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            pass
        except (BotoCoreError, ClientError):
            return False
        try:
            client.put_object(Bucket=BUCKET, Key=_PROBE, Body=str(os.getpid()).encode())
            client.delete_object(Bucket=BUCKET, Key=_PROBE)
        except (BotoCoreError, ClientError):
            return False
        return True

    def _client(self) -> "S3Client":
        env = self.env()
        return boto3.client(
            "s3",
            endpoint_url=env["S3_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=_REGION,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
            ),
        )


_PORT_FLAGS = {
    "s3": "s3.port",
    "master": "master.port",
    "volume": "volume.port",
    "filer": "filer.port",
    "admin": "admin.port",
}
