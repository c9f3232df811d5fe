"""What happens to a server: promotions, kills, SIGTERM, a damaged champion, a full disk."""

import json
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .callers import Callers
from .project import Row, Server, copied, engine, logged, serving

DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped byte in the model": lambda bundle: _flip(bundle / "model.onnx"),
    "half of the model": lambda bundle: os.truncate(bundle / "model.onnx", 1000),
    "no model": lambda bundle: (bundle / "model.onnx").unlink(),
    "half of the manifest": lambda bundle: os.truncate(bundle / "manifest.json", 100),
    "half of the contract": lambda bundle: os.truncate(bundle / "contract.toml", 100),
}


def promotions(project: Path, bodies: list[bytes], times: int) -> Row:
    """Promote and roll back under load; every answer is compared with the version it names."""
    known: dict[int, list[Any]] = {}
    for version in (1, 2):
        if version == 2:
            engine(project, "promote")
        with serving(project) as server:
            known[version] = [_scores(server.ask("/v1/predict", body)[1]) for body in bodies]
    with serving(project) as server, Callers(server.port, bodies, 8, every=0.02) as callers:
        for number in range(times):
            verb = ("promote", "--version", "2") if number % 2 else ("rollback",)
            engine(project, *verb)
            os.kill(server.process.pid, signal.SIGHUP)
            time.sleep(0.2)
    own = [(n, said) for n, said in callers.answers if not said["predictions"][0]["fallback"]]
    wrong = sum(_scores(said) != known[said["model_version"]][n] for n, said in own)
    seen = {said["model_version"] for _, said in own}
    assert seen == {1, 2}, "the server did not follow the promotions"
    lost = wrong + callers.failed + len(callers.lost)
    held = f"{len(callers.answers):,} answers, {len(callers.answers) - len(own):,} by the fallback"
    held += f", {wrong} unlike those of the version they name"
    return Row("promotion or rollback under load", f"{times} times", held, lost)


def kills(project: Path, bodies: list[bytes], times: int) -> list[Row]:
    """kill -9 under load, with outcomes being reported: what the log holds of what was answered."""
    chance, back = random.Random(1), 0
    told, kept, answered, missing = 0, 0, 0, 0
    for number in range(times):
        with tempfile.TemporaryDirectory() as logs:
            accepted: list[str] = []
            with serving(project, prediction_log=logs) as server:
                report = threading.Thread(target=_report, args=(server, f"{number}", accepted))
                with Callers(server.port, bodies, 8) as callers:
                    report.start()
                    time.sleep(chance.uniform(0.5, 1.5))
                    server.kill()
                report.join()
            with serving(project, prediction_log=logs) as again:
                back += again.ask("/v1/predict", bodies[0])[0] == 200
            found = set(logged(Path(logs), "outcomes"))
            told, kept = told + len(accepted), kept + len(found & set(accepted))
            ids = {said["predictions"][0]["id"] for _, said in callers.answers}
            answered += len(ids)
            missing += len(ids - set(logged(Path(logs), "predictions")))
    return [
        Row(
            "kill -9 of the server under load",
            f"{times} times",
            f"{back} starts again; of {answered:,} predictions {missing:,} are not in the log",
            times - back,
        ),
        Row(
            "kill -9 while outcomes are reported",
            f"{told:,} outcomes answered 202",
            f"{kept:,} are on the disk",
            told - kept,
        ),
    ]


def terminations(project: Path, bodies: list[bytes], times: int) -> Row:
    """SIGTERM with 128 connections that go on asking."""
    answers, lost, early, clean = 0, 0, 0, 0
    for _ in range(times):
        with serving(project) as server:
            with Callers(server.port, bodies, 128) as callers:
                time.sleep(1.5)
                sent = time.monotonic()
                server.process.terminate()
                clean += server.process.wait(60) == 0
            answers += len(callers.answers)
            lost += len(callers.lost) + callers.failed
            early += sum(at < sent for at in callers.lost)
    held = f"{answers:,} answers, {clean} clean ends, {early} lost before SIGTERM"
    return Row("SIGTERM under saturation, 128 connections", f"{times} times", held, lost)


def damages(project: Path, bodies: list[bytes]) -> Row:
    """A champion that is damaged when the server starts: the version before it answers."""
    held = 0
    for damage in DAMAGES.values():
        with tempfile.TemporaryDirectory() as folder:
            store = copied(project / "store", Path(folder))
            damage(max((store / "versions").iterdir(), key=lambda path: path.name))
            with serving(project, store=store) as server:
                status, said = server.ask("/v1/predict", bodies[0])
                ready = server.ask("/health/ready")
                held += status == 200 and said["model_version"] == 1 and "trouble" in ready[1]
    lost = len(DAMAGES) - held
    return Row(
        "champion damaged when the server starts: " + ", ".join(DAMAGES),
        f"{len(DAMAGES)} damages",
        f"{held} times the version before it answers, and says so when asked whether it is ready",
        lost,
    )


def disks(project: Path, bodies: list[bytes]) -> list[Row]:
    """A log on a disk of 1 MB that is filled, then one that is read-only, then back again."""
    rows = []
    for fault in ("full", "read-only"):
        with tempfile.TemporaryDirectory() as folder:
            disk = Path(folder)
            if _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder):
                rows.append(Row(f"{fault} disk under the log", "not tried", "it needs root", 0))
                continue
            try:
                rows.append(_disk(project, bodies, disk, fault))
            finally:
                subprocess.run(["umount", "-l", folder], check=True)
    return rows


def _disk(project: Path, bodies: list[bytes], disk: Path, fault: str) -> Row:
    logs, rest, kept = disk / "logs", disk / "rest", list[str]()
    told, refused, answered = 0, 0, 0
    with serving(project, prediction_log=logs) as server:
        for number in range(60):
            if number == 20 and fault == "full":
                with rest.open("wb", buffering=0) as stream:
                    _fill(stream)
            elif number == 20:
                _mount("-o", "remount,ro", str(disk))
            elif number == 40 and fault == "full":
                rest.unlink()
            elif number == 40:
                _mount("-o", "remount,rw", str(disk))
            answered += server.ask("/v1/predict", bodies[number])[0] == 200
            ids = [f"{number}-{part}" for part in range(100)]  # more than a page of the disk holds
            status, _ = server.ask("/v1/outcomes", _outcomes(ids))
            told, refused = told + (status == 202), refused + (status == 503)
            kept += ids if status == 202 else []
    if not refused:
        raise SystemExit(f"the disk was not {fault}: every outcome was kept")
    missing = set(kept) ^ set(logged(logs, "outcomes"))
    held = f"{answered} predictions answered; {told} reports kept, {refused} refused with 503"
    lost = (60 - answered) + len(missing) + (60 - told - refused) + (told < 40)
    return Row(
        f"{fault} disk under the log, then mended",
        "60 predictions, 60 reports of 100 outcomes",
        held,
        lost,
    )


def _fill(stream: Any) -> None:
    for size in (4096, 1):
        try:
            while stream.write(b"x" * size):
                pass
        except OSError:
            continue


def _mount(*words: str) -> int:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _scores(said: Any) -> Any:
    return said["predictions"][0]["probabilities"]


def _outcomes(ids: list[str]) -> bytes:
    return json.dumps({"outcomes": [{"id": i, "outcome": "no"} for i in ids]}).encode()


def _report(server: Server, name: str, accepted: list[str]) -> None:
    """Report one outcome after the other until nobody answers."""
    for number in range(1_000_000):
        status, _ = server.ask("/v1/outcomes", _outcomes([f"{name}-{number}"]))
        if status == 202:
            accepted.append(f"{name}-{number}")
        elif not status:
            return
