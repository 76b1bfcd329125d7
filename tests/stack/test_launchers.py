"""Each server starts, keeps its data over a restart and a kill, and lets nobody in without a password."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import psycopg
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError

from stack.errors import StackError
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.postgres import Postgres
from stack.s3 import S3
from stack.testing import TestStack
from stack.valkey import Valkey

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@contextmanager
def running(launcher: Launcher) -> Iterator[dict[str, str]]:
    launcher.start()
    try:
        launcher.wait_ready()
        yield launcher.env()
    finally:
        launcher.stop()


def bucket(env: dict[str, str]) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_REGION"],
        config=Config(s3={"addressing_style": "path"}),
    )


def test_postgres_keeps_its_data_and_address_over_a_restart(folder: DataFolder) -> None:
    with running(Postgres(folder, fast=True)) as env, psycopg.connect(env["DATABASE_SUPERUSER_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    with running(Postgres(folder, fast=True)) as again, psycopg.connect(again["DATABASE_SUPERUSER_URL"]) as connection:
        assert again == env
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_postgres_keeps_committed_data_when_it_is_killed(folder: DataFolder) -> None:
    first = Postgres(folder)
    with running(first) as env:
        with psycopg.connect(env["DATABASE_SUPERUSER_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        assert first.process.pid is not None
        os.kill(first.process.pid, signal.SIGKILL)

    with running(Postgres(folder)) as env, psycopg.connect(env["DATABASE_SUPERUSER_URL"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_postgres_starts_where_only_root_may_look(place: Path) -> None:
    if os.geteuid() != 0:
        return
    place.chmod(0o700)
    with running(Postgres(DataFolder(place / "data"), fast=True)) as env:
        with psycopg.connect(env["DATABASE_SUPERUSER_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert (place / "data/postgres/data").stat().st_uid == 0


def test_postgres_asks_for_a_password_and_writes_no_values_into_its_log(folder: DataFolder) -> None:
    postgres = Postgres(folder, fast=True)
    with running(postgres) as env:
        url = env["DATABASE_SUPERUSER_URL"]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(postgres.password("postgres"), "wrong"))
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
            connection.execute("CREATE TABLE once (email text PRIMARY KEY)")
            connection.execute("INSERT INTO once VALUES (%s)", ["alice@acme.example"])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO once VALUES (%s)", ["alice@acme.example"])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO once VALUES ('alice@acme.example')")
            connection.execute("SELECT pg_sleep(0.6), %s", ["alice@acme.example"])

    log = postgres.process.log.read_text()
    assert "duplicate key" in log
    assert "duration" in log
    assert "alice" not in log


def test_postgres_from_a_folder_without_it_is_refused(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACE_PG_BIN", "/nowhere")

    with pytest.raises(StackError, match="TERRACE_PG_BIN names /nowhere"):
        Postgres(folder).start()


def test_valkey_keeps_its_data_over_a_restart_and_asks_for_a_password(folder: DataFolder) -> None:
    with running(Valkey(folder)) as env, redis.Redis.from_url(env["REDIS_URL"]) as client:
        client.set("kept", "7")
        with (
            redis.Redis(port=client.connection_pool.connection_kwargs["port"]) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()

    with running(Valkey(folder)) as again, redis.Redis.from_url(again["REDIS_URL"]) as client:
        assert again == env
        assert client.get("kept") == b"7"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_s3_keeps_its_data_when_it_is_killed(folder: DataFolder) -> None:
    first = S3(folder)
    with running(first) as env:
        bucket(env).put_object(Bucket=env["S3_BUCKET"], Key="kept", Body=b"7")
        with pytest.raises(ClientError):
            bucket({**env, "AWS_SECRET_ACCESS_KEY": "wrong"}).put_object(Bucket=env["S3_BUCKET"], Key="x", Body=b"")
        assert first.process.pid is not None
        os.kill(first.process.pid, signal.SIGKILL)

    with running(S3(folder)) as again:
        assert again == env
        assert bucket(again).get_object(Bucket=env["S3_BUCKET"], Key="kept")["Body"].read() == b"7"


def test_two_stacks_run_side_by_side_and_leave_nothing() -> None:
    one, other = TestStack(), TestStack()
    with one as first, other as second:
        assert {first["REDIS_URL"], first["SMTP_URL"]}.isdisjoint({second["REDIS_URL"], second["SMTP_URL"]})
        for env in (first, second):
            psycopg.connect(env["DATABASE_SUPERUSER_URL"]).close()
            bucket(env).put_object(Bucket=env["S3_BUCKET"], Key="x", Body=b"")
        assert one.root.exists()

    assert not one.root.exists()
    assert not other.root.exists()
