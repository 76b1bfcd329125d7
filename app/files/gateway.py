"""The object store: the only module that talks to S3. Keys come from `keys.py`, never from a client."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from app.files.errors import StoreUnreachable
from app.files.names import attachment
from config.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# S3 takes no part but the last below 5 MiB.
_PART = 8 << 20
_CHUNK = 1 << 18
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its size and digest, as sent."""

    size: int
    sha256: str


class ObjectMissing(Exception):
    """The register names an object that the store does not have."""


class FileStore:
    """One bucket. Raises StoreUnreachable when it does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            aws_access_key_id=settings.aws_access_key_id,
            aws_secret_access_key=settings.aws_secret_access_key,
            region_name=settings.aws_region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=2,
                read_timeout=20,
                retries={"total_max_attempts": 2, "mode": "standard"},
            ),
        )

    def put(self, key: str, chunks: Iterable[bytes], *, media_type: str, encoding: str = "") -> Stored:
        """Write `chunks` under `key`, in parts when they are many; memory holds one part."""
        about: dict[str, Any] = {"ContentType": media_type}
        if encoding:
            about["ContentEncoding"] = encoding
        digest, size = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        with _translated():
            parts = _parts(counted())
            first = next(parts, b"")
            if len(first) < _PART:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=first, **about)
            else:
                self._put_parts(key, first, parts, about)
        return Stored(size, digest.hexdigest())

    def _put_parts(self, key: str, first: bytes, rest: Iterator[bytes], about: dict[str, Any]) -> None:
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        upload = self._client.create_multipart_upload(**where, **about)["UploadId"]
        try:
            etags = [self._put_part(where, upload, 1, first)]
            etags += [self._put_part(where, upload, number, body) for number, body in enumerate(rest, 2)]
            self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": etags})
        except BaseException:
            # Parts of an upload that nobody ends are stored, and paid for, but never listed.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**where, UploadId=upload)
            raise

    def _put_part(self, where: dict[str, Any], upload: str, number: int, body: bytes) -> Any:
        answer = self._client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
        return {"ETag": answer["ETag"], "PartNumber": number}

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in chunks.

        Raises ObjectMissing when there is none.
        """
        with _translated():
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            with contextlib.closing(body):
                yield from body.iter_chunks(_CHUNK)

    def download_url(self, key: str, *, name: str, media_type: str, seconds: int) -> str:
        """Return an address that gives the object as a download called `name` for `seconds`; asks nobody."""
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": attachment(name),
                "ResponseContentType": media_type,
                "ResponseCacheControl": "private, no-store",
            },
            ExpiresIn=seconds,
        )

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        with _translated():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def ensure_bucket(self) -> None:
        """Make the bucket unless it exists."""
        with _translated():
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in {*_MISSING, "NoSuchBucket"}:
                    raise
                self._client.create_bucket(Bucket=self._bucket)


def file_store(settings: Settings) -> FileStore:
    """Return this process's client of the store `settings` name."""
    # By process: a connection that was open before a fork must not be shared by two.
    return _file_store(settings, os.getpid())


@lru_cache(maxsize=4)
def _file_store(settings: Settings, pid: int) -> FileStore:
    return FileStore(settings)


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Gather chunks into parts of `_PART` bytes; the last may be smaller."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= _PART:
            yield bytes(buffer[:_PART])
            del buffer[:_PART]
    if buffer:
        yield bytes(buffer)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in _MISSING:
            raise ObjectMissing from error
        raise StoreUnreachable(_code(error)) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise StoreUnreachable(type(error).__name__) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
