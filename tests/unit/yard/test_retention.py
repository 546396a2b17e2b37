"""What was deleted long ago goes, and what nothing needs; one process at a time, by a clock that the test moves."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_cases.server import until
from modelyard.base.clock import now_ms
from modelyard.base.config import Settings, settings
from modelyard.base.errors import InvalidSetting, NotFound
from modelyard.hub.sweeping import Sweeper
from modelyard.stores.once import once
from modelyard.stores.rows.engine import Database
from modelyard.yard.retention import TURN_MS, retention_ms, sweep, sweep_in_turn
from modelyard.yard.settings import get_setting
from modelyard.yard.yard import Yard

HOUR = 3_600_000
DAY = 24 * HOUR


def project(folder: Path, text: str) -> Settings:
    (folder / "modelyard.toml").write_text(text)
    return settings(folder, {})


def test_the_setting_is_a_length_of_time(tmp_path: Path) -> None:
    assert retention_ms(project(tmp_path, "")) is None
    assert retention_ms(project(tmp_path, '[retention]\ndeleted = "30d"\n')) == 30 * DAY
    assert retention_ms(settings(tmp_path, {"MODELYARD_RETENTION_DELETED": "2w"})) == 14 * DAY
    for text, word in (
        ('deleted = "soon"', "length of time"),
        ('delete = "1d"', "unknown setting"),
    ):
        with pytest.raises(InvalidSetting, match=word):
            retention_ms(project(tmp_path, f"[retention]\n{text}\n"))


@pytest.fixture
def yard(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setenv("MODELYARD_RETENTION_DELETED", "30d")
    with Yard(database_uri) as opened:
        yield opened


def with_file(yard: Yard, data: bytes) -> str:
    run = yard.tracker.create_run(0).run_id
    yard.artifacts.put(f"run:{run}", "weights.bin", io.BytesIO(data))
    return run


def test_a_sweep_takes_what_was_deleted_long_ago_and_its_files(yard: Yard) -> None:
    kept, gone = with_file(yard, b"kept"), with_file(yard, b"gone")
    yard.tracker.delete_runs([gone])
    once(yard.database, "key", lambda connection: 1)
    upload = yard.uploads.begin(f"run:{kept}", "half.bin")
    yard.uploads.put_part(upload.id, 1, io.BytesIO(b"part"))
    now = now_ms()

    early = sweep(yard, now + HOUR)
    assert (early.purged, early.files.blobs, early.forgotten) == (0, 0, 0)
    assert yard.uploads.get(upload.id).received == 4

    later = sweep(yard, now + 29 * DAY)
    assert (later.purged, later.forgotten) == (0, 1)
    with pytest.raises(NotFound):
        yard.uploads.get(upload.id)
    yard.tracker.restore_runs([gone])
    yard.tracker.delete_runs([gone])

    last = sweep(yard, now + 31 * DAY)
    assert (last.purged, last.files.blobs) == (1, 1)
    with pytest.raises(NotFound):
        yard.tracker.run(gone)
    with yard.artifacts.open(f"run:{kept}", "weights.bin") as stream:
        assert stream.read() == b"kept"
    assert yard.check() == []


def test_without_a_retention_nothing_that_was_deleted_goes(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        run = with_file(yard, b"data")
        yard.tracker.delete_runs([run])
        assert sweep(yard, now_ms() + 10_000 * DAY).purged == 0
        yard.tracker.restore_runs([run])
        with yard.artifacts.open(f"run:{run}", "weights.bin") as stream:
            assert stream.read() == b"data"


def test_of_several_hubs_one_sweeps_at_a_time(database_uri: str) -> None:
    now = now_ms()
    with Yard(database_uri) as first, Yard(database_uri) as second:
        hubs = [Sweeper(yard, 3600) for yard in (first, second, first, second)]
        swept: list[object] = []
        threads = [
            threading.Thread(target=lambda hub=hub: swept.append(hub.look(now))) for hub in hubs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(swept) == 4
        assert sum(each is not None for each in swept) == 1
        assert sweep_in_turn(second, now + HOUR - 1, HOUR) is None
        assert sweep_in_turn(second, now + HOUR, HOUR) is not None
        assert sweep_in_turn(first, now + HOUR, HOUR) is None


def test_the_turn_of_one_that_died_is_over_some_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = now_ms()
    with Yard(tmp_path / "yard.db") as yard:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr("modelyard.yard.retention.sweep", die)
            with pytest.raises(KeyboardInterrupt):
                sweep_in_turn(yard, now, HOUR)
        assert sweep_in_turn(yard, now + TURN_MS - 1, HOUR) is None
        assert sweep_in_turn(yard, now + TURN_MS, HOUR) is not None


def test_a_sweeper_ends_when_it_is_told(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        database: Database = yard.database
        sweeper = Sweeper(yard, 0.01)
        sweeper.start()
        until(lambda: get_setting(database, "next_sweep_ms"))
        sweeper.stop()
        assert not sweeper._thread.is_alive()
