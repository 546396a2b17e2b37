"""What S3 can do beyond a file system: put only if nothing is there, and let clients transfer by themselves."""

from __future__ import annotations

import contextlib
from typing import Any

from modelyard.base.clock import new_id, now_ms
from modelyard.base.digests import sha256_stream
from modelyard.base.errors import InvalidInput, NotFound
from modelyard.stores.fsspec import FsspecStore, started_ms
from modelyard.stores.interface import Before, Blob, PresignedUpload
from modelyard.stores.putting import ABANDONED_MS, checked, matched, told

EXPIRES_SECONDS = 3600
MIN_PART, MAX_PARTS = 5 << 20, 10_000


class S3Store(FsspecStore):
    """Blobs in a bucket of S3 or of what speaks its protocol; a `PresignedStore` too."""

    def __init__(self, filesystem: Any, root: str, shown: str) -> None:
        super().__init__(filesystem, root, shown, bucket=True)
        self._bucket_name, _, self._prefix = self.root.partition("/")

    def _create(self, path: str, data: bytes) -> None:
        with contextlib.suppress(FileExistsError):  # somebody was faster, with the same bytes
            self.filesystem.pipe_file(path, data, mode="create")

    def create_upload(self, size: int, parts: int) -> PresignedUpload:
        """Begin an upload that a client makes by itself: a URL for each part, valid for an hour."""
        part_size = -(-size // parts) if parts > 0 else 0
        if size < 0 or not 1 <= parts <= MAX_PARTS or (parts > 1 and part_size < MIN_PART):
            raise InvalidInput(
                f"{size} bytes cannot be sent in {parts} parts",
                hint=f"from 1 to {MAX_PARTS:,} parts, each of {MIN_PART >> 20} MB or more",
            )
        name = new_id()
        begun = self._call("create_multipart_upload", Key=self._key(name))
        urls = [
            self._url("upload_part", Key=self._key(name), UploadId=begun["UploadId"], PartNumber=n)
            for n in range(1, parts + 1)
        ]
        return PresignedUpload(f"{name}.{begun['UploadId']}", tuple(urls), part_size)

    def complete_upload(
        self,
        upload_id: str,
        etags: list[str],
        *,
        expect: str | None = None,
        before: Before | None = None,
    ) -> Blob:
        """Join the parts (their ``ETag`` headers, in order), verify, and let the blob appear.

        The object is read back once and hashed here: for a multipart upload S3 knows only a checksum of the parts'
        checksums, never the sha256 of the whole.
        """
        name, s3_id = self._ids(upload_id)
        parts = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
        path = f"{self.root}/uploads/{name}"
        self._call(
            "complete_multipart_upload",
            Key=self._key(name),
            UploadId=s3_id,
            MultipartUpload={"Parts": parts},
        )
        try:
            with self.faults(), self.filesystem.open(path, "rb") as stream:
                blob = Blob(*sha256_stream(stream))
            matched(blob.sha256, expect)
            told(before, blob)
            self.move(path, blob.sha256)
        except BaseException:
            with contextlib.suppress(Exception):
                self.filesystem.rm_file(path)
            raise
        return blob

    def abort_upload(self, upload_id: str) -> None:
        """Forget an upload and its parts; one that is not there is no error."""
        name, s3_id = self._ids(upload_id)
        with contextlib.suppress(NotFound):
            self._call("abort_multipart_upload", Key=self._key(name), UploadId=s3_id)

    def download_url(self, sha256: str, *, filename: str = "download") -> str:
        """Where a client gets a blob by itself for an hour: as an attachment, whatever it holds."""
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)
        return self._url(
            "get_object",
            Key=self.place(checked(sha256)).partition("/")[2],
            ResponseContentDisposition=f'attachment; filename="{safe}"',
            ResponseContentType="application/octet-stream",
        )

    def sweep(self, before_ms: int | None = None) -> int:
        """Also the parts of uploads that were never joined, which no listing of objects shows."""
        limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
        gone, marker = 0, {}
        while True:
            prefix = self._key("")
            page = self._call("list_multipart_uploads", Prefix=prefix, **marker)
            for upload in page.get("Uploads", []):
                if started_ms(upload["Key"].rpartition("/")[2]) < limit:
                    self._call(
                        "abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"]
                    )
                    gone += 1
            if not page.get("IsTruncated"):
                return gone + super().sweep(before_ms)
            marker = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    def _key(self, upload: str) -> str:
        return f"{self._prefix}/uploads/{upload}".lstrip("/")

    @staticmethod
    def _ids(upload_id: str) -> tuple[str, str]:
        name, dot, s3_id = upload_id.partition(".")
        if not dot or len(name) != 32 or not name.isalnum() or not name.isascii():
            raise InvalidInput(f"{upload_id[:80]!r} is not an upload")
        return name, s3_id

    def _call(self, method: str, **arguments: Any) -> Any:
        with self.faults():
            return self.filesystem.call_s3(method, Bucket=self._bucket_name, **arguments)

    def _url(self, method: str, **arguments: Any) -> str:
        from fsspec.asyn import sync

        async def signed() -> str:
            client = await self.filesystem.set_session()
            params = {"Bucket": self._bucket_name, **arguments}
            return await client.generate_presigned_url(
                method, Params=params, ExpiresIn=EXPIRES_SECONDS
            )

        with self.faults():
            return str(sync(self.filesystem.loop, signed))
