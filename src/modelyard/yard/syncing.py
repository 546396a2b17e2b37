"""``modelyard sync`` and ``my.sync()``: what training processes logged and no yard has heard of yet is sent now."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelyard.base.config import user_settings
from modelyard.base.errors import FileMissing, InvalidInput, NotAllowed
from modelyard.base.hub_client import hub_address, is_hub_address
from modelyard.stores.locks import taken
from modelyard.tracking.delivering import Delivery, Destination, Held, message_of
from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.ledger import problems
from modelyard.tracking.spool.places import (
    DESTINATION,
    HEAD,
    SENDER_LOCK,
    Head,
    head_of,
    read_json,
    settled,
    shown,
    spool_root,
    spools,
)
from modelyard.yard.addresses import address_of
from modelyard.yard.sending import opener

STATES = ("sent", "waiting", "running", "away")
"""Of a spool: all of it has arrived; nobody sends it; its process goes on; the destination did not take it."""
BUSY_SECONDS = 3.0


@dataclass(slots=True)
class Spool:
    """A spool, and what became of it."""

    spool_id: str
    destination: str
    path: str
    state: str
    sent: int = 0
    """Records that were sent now."""
    waiting: int = 0
    refused: int = 0
    lost: int = 0
    """Records that are damaged beyond reading."""
    dropped: int = 0
    """What was logged when there was no room."""
    why: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON has it, with each problem."""
        return {**asdict(self), "problems": problems(Path(self.path))}


def sync(
    paths: Sequence[str | os.PathLike[str]] = (),
    *,
    everything: bool = False,
    dry_run: bool = False,
    forget: bool = False,
) -> list[Spool]:
    """Send what was logged and has not arrived; what has, is not sent again.

    By default the spools of this project's yard; ``everything`` is those of all destinations, and ``paths`` are spools, or
    folders with spools, wherever they were copied to. ``forget`` removes the reports of what was refused before.
    """
    known = address_of(None)
    found: list[Spool] = []
    for folder, members in _chosen(paths, everything=everything, uri=known.uri):
        destination = read_json(folder / DESTINATION)
        address = str(destination.get("address", ""))
        place = _Place(folder, address, known.by_reader, known.uri)
        found += [_looked(place, one) for one in members] if dry_run else place.send(members)
    if forget and not dry_run:
        _forget(found)
    return found


def _chosen(
    paths: Sequence[str | os.PathLike[str]], *, everything: bool, uri: str
) -> Iterator[tuple[Path, list[tuple[Head, Path]]]]:
    """Folders of destinations, each with the spools that are meant."""
    if not paths:
        address = shown(_settled(uri))
        for folder in _destinations(spool_root()):
            if everything or read_json(folder / DESTINATION).get("address") == address:
                yield folder, spools(folder)
        return
    for path in map(Path, paths):
        if (path / HEAD).exists():
            head = head_of(path)
            if head is None:
                raise InvalidInput(f"{path} is a spool of a newer modelyard", hint="upgrade it")
            yield path.absolute().parent, [(head, path.absolute())]
            continue
        folders = _destinations(path)
        if not folders:
            raise FileMissing(f"there is no spool in {path}", hint="modelyard sync --all")
        for folder in folders:
            yield folder, spools(folder)


def _settled(uri: str) -> str:
    try:
        return settled(uri)
    except InvalidInput:
        return uri  # in memory: nothing was ever logged to it from another process


def _destinations(root: Path) -> list[Path]:
    if (root / DESTINATION).exists():
        return [root.absolute()]
    return sorted(path.parent.absolute() for path in root.glob(f"*/{DESTINATION}"))


@dataclass(slots=True)
class _Place:
    """A destination, and how this project reaches it."""

    folder: Path
    address: str
    named_by_reader: bool
    uri: str

    def send(self, members: Sequence[tuple[Head, Path]]) -> list[Spool]:
        """Send the spools, unless somebody sends them already."""
        end = time.monotonic() + BUSY_SECONDS
        while (held := taken(self.folder / SENDER_LOCK)) is None:
            if time.monotonic() > end:
                busy = [_looked(self, one) for one in members]
                return [_because(one, "another process is sending") for one in busy]
            time.sleep(0.05)
            members = [one for one in members if one[1].exists()] or members
        with held:
            return _Sending(self, members).run()

    def connect(self) -> Destination:
        """The yard that is meant. A password that no spool keeps comes from this project's address."""
        own = _settled(self.uri)
        if shown(own) == self.address:
            return opener(own, None, named_by_reader=self.named_by_reader)()
        if is_hub_address(self.address):
            kept = user_settings().get("tokens", {}).get(hub_address(self.address))
            return opener(self.address, kept, named_by_reader=False)()
        if not self.folder.is_relative_to(spool_root()):  # a folder from elsewhere may name any
            raise NotAllowed(
                f"the database {self.address} is named by {self.folder}, not by you",
                hint=f"MODELYARD_URI={self.address} modelyard sync PATH says that you mean it",
            )
        return opener(self.address, None, named_by_reader=True)()


def _because(spool: Spool, why: str) -> Spool:
    spool.why = spool.why or why
    return spool


def _looked(place: _Place, one: tuple[Head, Path]) -> Spool:
    """How a spool stands, with nothing changed."""
    head, path = one
    delivery = Delivery(head, path, patience=0)
    try:
        spool = _about(place, delivery)
        if not delivery.ledger.done:
            upto = delivery.get(counts.WRITTEN) if delivery.writer_alive() else None
            while read := delivery.reader.read(upto, 10_000, 1 << 24):
                spool.waiting += len(read)
        return spool
    finally:
        delivery.close()


def _about(place: _Place, delivery: Delivery) -> Spool:
    ledger = delivery.ledger
    state = "sent" if ledger.done else "running" if delivery.writer_alive() else "waiting"
    return Spool(
        delivery.head.spool_id,
        place.address,
        str(delivery.folder),
        state,
        refused=ledger.refused,
        lost=ledger.lost,
        dropped=delivery.get(counts.DROPPED) + delivery.get(counts.UNTOLD),
    )


class _Sending:
    """Sends some spools of one destination, once each; those that wait for another's run come again at the end."""

    def __init__(self, place: _Place, members: Sequence[tuple[Head, Path]]) -> None:
        self._place = place
        self._deliveries = [Delivery(*one, patience=float("inf")) for one in members]
        self._destination: Destination | None = None
        self._why = ""

    def run(self) -> list[Spool]:
        """What became of each."""
        facts = {id(one): _about(self._place, one) for one in self._deliveries}
        try:
            for patience in (float("inf"), 0.0):
                for delivery in self._deliveries:
                    delivery.patience = patience
                    if not (delivery.finished or delivery.ledger.done or self._why):
                        self._send(delivery)
        finally:
            if self._destination is not None:
                self._destination.close()
        return [self._told(one, facts[id(one)]) for one in self._deliveries]

    def _send(self, delivery: Delivery) -> None:
        alive = delivery.writer_alive()
        try:
            if self._destination is None:
                self._destination = self._place.connect()
            while delivery.step(self._destination, alive=alive):
                pass
        except Held:
            return
        except Exception as error:  # noqa: BLE001  the yard's trouble, told as its reason
            self._why = message_of(error)

    def _told(self, delivery: Delivery, spool: Spool) -> Spool:
        ledger = delivery.ledger
        spool.sent, spool.refused, spool.lost = delivery.sent, ledger.refused, ledger.lost
        if delivery.finished or ledger.done:
            spool.state = "sent"
        else:
            spool.waiting = delivery.waiting()
            if self._why:
                spool.state, spool.why = "away", self._why
        delivery.close()
        return spool


def _forget(found: Sequence[Spool]) -> None:
    import shutil

    for spool in found:
        if spool.state == "sent":
            shutil.rmtree(spool.path, ignore_errors=True)
