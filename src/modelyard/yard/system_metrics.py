"""Processor, memory, disk, network and GPU while a run goes on, as metrics ``system/…``: their step counts the samples.

On Linux nothing is needed for it; elsewhere psutil (extra ``system-metrics``), and NVIDIA's library for GPUs.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import now_ms
from modelyard.base.errors import MissingExtra

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

SECONDS = 10.0
"""Between samples."""
MB = 1e6

Reader = Callable[[], Mapping[str, float]]


def sample(run: ActiveRun, seconds: float = SECONDS) -> Callable[[], None]:
    """Sample until the returned function is called; the last sample is taken then."""
    readers = [_machine(), _disk, *_gpus()]
    stop = threading.Event()
    pid = os.getpid()

    def work() -> None:
        step = 0
        while not stop.wait(seconds):
            _tell(run, readers, step)
            step += 1
        _tell(run, readers, step)

    thread = threading.Thread(target=work, name="modelyard-system-metrics", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        if os.getpid() == pid:
            thread.join(5)

    return end


def _tell(run: ActiveRun, readers: list[Reader], step: int) -> None:
    at_ms = now_ms()
    for read in readers:
        try:
            values = read()
        except Exception:  # noqa: BLE001  a device that went away does not end the others
            continue
        for key, value in values.items():
            run.log_metric(f"system/{key}", float(value), step, timestamp=at_ms)


def _machine() -> Reader:
    if Path("/proc/stat").exists():
        return _Proc().read
    try:
        import psutil
    except ImportError:
        raise MissingExtra("system metrics", "system-metrics") from None
    return _Psutil(psutil).read


class _Proc:
    """From Linux itself: no library."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._busy = self._cpu()
        self._net = self._network()

    def read(self) -> dict[str, float]:
        """All of it, since the last time."""
        before, self._busy = self._busy, self._cpu()
        busy, total = (now - then for now, then in zip(self._busy, before, strict=True))
        memory = self._memory()
        used = memory["MemTotal"] - memory["MemAvailable"]
        received, sent = self._network()
        return {
            "cpu_utilization_percentage": 100 * busy / total if total else 0.0,
            "system_memory_usage_megabytes": used / MB,
            "system_memory_usage_percentage": 100 * used / memory["MemTotal"],
            "process_memory_megabytes": self._own_memory() / MB,
            "network_receive_megabytes": (received - self._net[0]) / MB,
            "network_transmit_megabytes": (sent - self._net[1]) / MB,
        }

    def _cpu(self) -> tuple[int, int]:
        line = (self._proc / "stat").read_text().partition("\n")[0]
        times = [int(word) for word in line.split()[1:9]]
        return sum(times) - times[3] - times[4], sum(times)

    def _memory(self) -> dict[str, int]:
        lines = (self._proc / "meminfo").read_text().splitlines()
        return {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}

    def _own_memory(self) -> int:
        return int((self._proc / "self" / "statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )

    def _network(self) -> tuple[int, int]:
        received = sent = 0
        for line in (self._proc / "net" / "dev").read_text().splitlines()[2:]:
            name, _, numbers = line.partition(":")
            if name.strip() != "lo":
                words = numbers.split()
                received, sent = received + int(words[0]), sent + int(words[8])
        return received, sent


class _Psutil:
    """From psutil, where there is no ``/proc``."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._process = psutil.Process()
        psutil.cpu_percent()
        self._net = psutil.net_io_counters()

    def read(self) -> dict[str, float]:
        """All of it, since the last time."""
        memory, net = self._psutil.virtual_memory(), self._psutil.net_io_counters()
        used = memory.total - memory.available
        return {
            "cpu_utilization_percentage": self._psutil.cpu_percent(),
            "system_memory_usage_megabytes": used / MB,
            "system_memory_usage_percentage": 100 * used / memory.total,
            "process_memory_megabytes": self._process.memory_info().rss / MB,
            "network_receive_megabytes": (net.bytes_recv - self._net.bytes_recv) / MB,
            "network_transmit_megabytes": (net.bytes_sent - self._net.bytes_sent) / MB,
        }


def _disk() -> dict[str, float]:
    usage = shutil.disk_usage(Path.cwd())
    return {
        "disk_usage_megabytes": usage.used / MB,
        "disk_usage_percentage": 100 * usage.used / usage.total,
        "disk_available_megabytes": usage.free / MB,
    }


def _gpus() -> list[Reader]:
    """One that reads all of them, where NVIDIA's library and a card are."""
    try:
        import pynvml  # pyright: ignore[reportMissingImports]

        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # noqa: BLE001  no library, no driver, no card
        return []
    return [lambda: _read_gpus(pynvml, cards)] if cards else []


def _read_gpus(nvml: Any, cards: list[Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, card in enumerate(cards):
        memory = nvml.nvmlDeviceGetMemoryInfo(card)
        found |= {
            f"gpu_{number}_utilization_percentage": nvml.nvmlDeviceGetUtilizationRates(card).gpu,
            f"gpu_{number}_memory_usage_megabytes": memory.used / MB,
            f"gpu_{number}_memory_usage_percentage": 100 * memory.used / memory.total,
            f"gpu_{number}_power_usage_watts": nvml.nvmlDeviceGetPowerUsage(card) / 1000,
        }
    return found
