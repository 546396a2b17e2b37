"""Remotes in buckets and behind SSH, through fsspec: DVC's options in the words of each library."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from modelyard.base.clock import new_id
from modelyard.base.errors import (
    FileMissing,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    NotSupported,
    Unreachable,
)
from modelyard.stores.dvc.config import RemoteSettings
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.policy import Honoured
from modelyard.stores.dvc.remotes import side_by_side, without_secrets
from modelyard.stores.faults import named

_EXTRAS = {"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "sftp"}
ONE_BY_ONE = 200
"""From so many objects on, folders are listed instead of asking for each."""
_PART = 16 << 20
_PARTS_AT_ONCE = 4


def file_system_remote(settings: RemoteSettings, told: Honoured) -> FileSystemRemote:
    """The remote of settings with the scheme s3, gs, azure or ssh."""
    try:
        filesystem = _OPENERS[settings.scheme](settings, told)
    except ImportError as error:
        raise MissingExtra(
            f"{settings.scheme}://", _EXTRAS[settings.scheme], missing=error.name
        ) from error
    return FileSystemRemote(settings, told, filesystem)


class FileSystemRemote:
    """Objects below a root that fsspec reaches."""

    def __init__(self, settings: RemoteSettings, told: Honoured, filesystem: Any) -> None:
        self.name, self.shown = settings.name, without_secrets(settings.url)
        self.jobs = 4 if settings.scheme == "ssh" else 16
        self._filesystem, self._told, self._lock = filesystem, told, threading.Lock()
        self._bucket = settings.scheme != "ssh"
        parts = urlsplit(settings.url)
        path = unquote(parts.path) if not self._bucket else parts.path
        self._root = (f"{parts.netloc}{path}" if self._bucket else path).rstrip("/")

    def fetch(self, oid: ObjectId, target: Path) -> str:
        path = f"{self._root}/{oid.place}"
        with self._faults(oid):
            size = int(self._filesystem.info(path)["size"])
            with target.open("xb") as file:
                digest = hashlib.md5(usedforsecurity=False)
                starts = range(0, size, _PART)
                for first in range(0, len(starts), _PARTS_AT_ONCE):
                    some = starts[first : first + _PARTS_AT_ONCE]
                    for part in side_by_side(
                        lambda start: self._part(path, start, size), some, len(some)
                    ):
                        digest.update(part)
                        file.write(part)
        return digest.hexdigest()

    def _part(self, path: str, start: int, size: int) -> bytes:
        end = min(start + _PART, size)
        found = bytes(self._filesystem.cat_file(path, start=start, end=end))
        if len(found) != end - start:
            raise Unreachable(f"{self.shown} broke off after {start + len(found)} of {size} bytes")
        return found

    def sizes(self, oids: Sequence[ObjectId], jobs: int) -> dict[ObjectId, int]:
        if len(oids) < ONE_BY_ONE:
            found = side_by_side(self._size, oids, jobs)
            return {oid: size for oid, size in zip(oids, found, strict=True) if size is not None}
        folders = sorted({oid.place.rpartition("/")[0] for oid in oids})
        listed: dict[str, int] = {}
        for some in side_by_side(self._listed, folders, jobs):
            listed.update(some)
        return {oid: listed[oid.place] for oid in oids if oid.place in listed}

    def _size(self, oid: ObjectId) -> int | None:
        try:
            with self._faults(oid):
                return int(self._filesystem.info(f"{self._root}/{oid.place}")["size"])
        except FileMissing:
            return None

    def _listed(self, folder: str) -> Mapping[str, int]:
        with self._faults(None):
            try:
                rows = self._filesystem.ls(f"{self._root}/{folder}", detail=True, refresh=True)
            except FileNotFoundError:
                return {}
            except TypeError:  # a file system that remembers no listings
                rows = self._filesystem.ls(f"{self._root}/{folder}", detail=True)
        return {
            f"{folder}/{row['name'].rpartition('/')[2]}": int(row["size"])
            for row in rows
            if row["type"] == "file"
        }

    def send(self, oid: ObjectId, source: Path) -> None:
        path = f"{self._root}/{oid.place}"
        with self._faults(None):
            if self._bucket:  # appears when it is whole
                self._filesystem.put_file(str(source), path)
                return
            self._made(path.rpartition("/")[0])
            temporary = f"{path.rpartition('/')[0]}/.{new_id()[-12:]}.tmp"
            self._filesystem.put_file(str(source), temporary)
            try:
                self._filesystem.mv(temporary, path)
            except OSError:  # another process was faster, with the same bytes
                self._filesystem.rm_file(temporary)
                if not self._filesystem.exists(path):
                    raise

    def _made(self, folder: str) -> None:
        """A server of files answers "Failure" to the second of two who make one folder."""
        with self._lock:
            try:
                self._filesystem.makedirs(folder, exist_ok=True)
            except OSError:
                if not self._filesystem.isdir(folder):
                    raise

    @contextlib.contextmanager
    def _faults(self, oid: ObjectId | None) -> Generator[None]:
        try:
            yield
        except ModelyardError:
            raise
        except FileNotFoundError as error:
            missing = oid.text if oid else "folder"
            raise FileMissing(f"no {missing} in {self.shown}") from error
        except Exception as error:
            found = named(error, self.shown) or Unreachable(
                f"{self.shown} cannot be reached: {str(error)[:200]}"
            )
            if isinstance(found, NotAllowed):
                found.hint = self._why_not()  # settings of our own buckets are not for it
            raise found from error

    def _why_not(self) -> str | None:
        if not self._told.ambient:
            return (
                "the repository itself names this endpoint, so your own credentials are not sent there; if you mean it: "
                f"dvc remote modify --local {self.name} endpointurl …"
            )
        if self._told.ignored:
            return (
                f"not taken from the repository: {', '.join(self._told.ignored)}; "
                f"set them with dvc remote modify --local {self.name} …"
            )
        return None


def _s3(settings: RemoteSettings, told: Honoured) -> Any:
    import s3fs

    options = told.options
    own = "access_key_id" in options
    client: dict[str, Any] = {}
    if (verify := options.get("ssl_verify")) is not None:
        client["verify"] = verify if verify.lower() not in ("true", "false") else verify.lower() == "true"  # fmt: skip
    if region := options.get("region"):
        client["region_name"] = region
    _no_files(settings, told, "credentialpath", "configpath")
    upload = {
        word: options[name]
        for name, word in (
            ("sse", "ServerSideEncryption"),
            ("sse_kms_key_id", "SSEKMSKeyId"),
            ("acl", "ACL"),
        )
        if name in options
    }
    return s3fs.S3FileSystem(
        anon=told.flag("allow_anonymous_login") or (not told.ambient and not own),
        key=options.get("access_key_id"),
        secret=options.get("secret_access_key"),
        token=options.get("session_token"),
        profile=options.get("profile") if told.ambient else None,
        endpoint_url=options.get("endpointurl"),
        use_ssl=told.flag("use_ssl", True),
        client_kwargs=client,
        s3_additional_kwargs=upload,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _gs(settings: RemoteSettings, told: Honoured) -> Any:
    import gcsfs

    token: Any = told.options.get("credentialpath")
    if token is None and (told.flag("allow_anonymous_login") or not told.ambient):
        token = "anon"
    return gcsfs.GCSFileSystem(
        project=told.options.get("projectname"),
        token=token,
        endpoint_url=told.options.get("endpointurl"),
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _azure(settings: RemoteSettings, told: Honoured) -> Any:
    import adlfs

    options = told.options
    names = ("account_name", "account_key", "connection_string", "sas_token", "tenant_id", "client_id", "client_secret")  # fmt: skip
    given: dict[str, Any] = {name: options[name] for name in names if name in options}
    if not re.fullmatch(r"[a-z0-9]{3,24}", given.get("account_name", "none")):  # it becomes a host
        raise InvalidInput(f"the remote {settings.name!r}: account_name is no account of Azure")
    secrets = {"account_key", "connection_string", "sas_token", "client_secret"} & set(given)
    if "account_name" not in given and "connection_string" not in given:
        import os

        given["account_name"] = os.environ.get("AZURE_STORAGE_ACCOUNT") or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")  # fmt: skip
    anonymous = told.flag("allow_anonymous_login") or (not told.ambient and not secrets)
    return adlfs.AzureBlobFileSystem(
        **given, anon=anonymous, use_listings_cache=False, skip_instance_cache=True
    )


def _ssh(settings: RemoteSettings, told: Honoured) -> Any:
    from modelyard.stores.folders._sftp import connected

    if told.flag("gss_auth"):
        raise NotSupported(
            f"the remote {settings.name!r} uses Kerberos, which only DVC itself does",
            hint="pip install 'modelyard[dvc]' 'dvc[ssh_gssapi]'",
        )
    parts = urlsplit(settings.url)
    if not parts.hostname or parts.hostname.startswith("-"):
        raise InvalidInput(f"{without_secrets(settings.url)} names no host")
    asked = [o for o in ("ask_password", "ask_passphrase") if told.flag(o)]
    options = {
        "user": told.options.get("user"),
        "port": told.options.get("port"),
        "password": told.options.get("password"),
        "passphrase": told.options.get("passphrase"),
        "key_file": told.options.get("keyfile"),
    }
    if asked and not options[asked[0].removeprefix("ask_")]:
        word = asked[0].removeprefix("ask_")
        raise NotSupported(
            f"the remote {settings.name!r} wants to ask for its {word}",
            hint=f"dvc remote modify --local {settings.name} {word} …, or use an SSH agent",
        )
    return connected(parts.netloc, {k: v for k, v in options.items() if v})


def _no_files(settings: RemoteSettings, told: Honoured, *names: str) -> None:
    """Files of credentials other than the usual ones are for the environment: it would be shared by all remotes."""
    given = [name for name in names if name in told.options]
    if given:
        variable = {
            "credentialpath": "AWS_SHARED_CREDENTIALS_FILE",
            "configpath": "AWS_CONFIG_FILE",
        }
        raise NotSupported(
            f"the remote {settings.name!r} sets {given[0]}, which is not read here",
            hint=f"set {variable[given[0]]}, or a profile",
        )


_OPENERS = {"s3": _s3, "gs": _gs, "azure": _azure, "ssh": _ssh}
