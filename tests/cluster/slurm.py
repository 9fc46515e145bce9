"""A real SLURM on one machine, from Debian's packages: start it, stop it, kill one of its nodes.

`python -m tests.cluster.slurm start FOLDER` needs root and the packages of `PACKAGES`. Everything
listens on 127.0.0.1 and lives in the folder; `/etc/slurm/slurm.conf` becomes a link into it,
because job steps find the configuration nowhere else. GPUs are device nodes that lead to
/dev/null: jobs wait for them and are refused as for real ones, and nothing computes on them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = ("slurm-wlm", "slurmdbd", "munge", "mariadb-server")
PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmdbd", "mariadbd", "sbatch", "sacctmgr")
HERE = Path(__file__).resolve().parent
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
PORTS = {"mysql": 16806, "dbd": 16819, "ctld": 16817}
FIRST_NODE_PORT = 16820
CPUS, MEMORY_MB, GPUS = 8, 500_000, 2
"""What every node claims to have; the machine need not have it."""
NODES = {"c1": 0, "c2": 0, "g1": GPUS}
WAIT_S = 60.0


class NoCluster(RuntimeError):
    """SLURM cannot run here; the text says why."""


@dataclass(frozen=True)
class Slurm:
    """A cluster whose files lie in `folder`."""

    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start every daemon and wait until all nodes are idle. Raises NoCluster."""
        self._check()
        self._configure()
        self._munge()
        self._accounting()
        self._daemon("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self._until(self.ready, "the nodes did not become idle")

    def stop(self) -> None:
        """Stop what `start` started, jobs first, and then in the reverse order."""
        for node in NODES:
            if (self.folder / f"started.slurmd.{node}").exists():
                self.kill_node(node)
        for path in sorted(self.folder.glob("started.*"), key=lambda p: -p.stat().st_mtime_ns):
            self._stop(path)
        for process in self.running:
            process.poll()
        if SYSTEM_CONFIG.is_symlink() and SYSTEM_CONFIG.readlink().is_relative_to(self.folder):
            SYSTEM_CONFIG.unlink()

    def start_node(self, node: str) -> None:
        self._daemon("slurmd", "-D", "-N", node, name=f"slurmd.{node}")

    def kill_node(self, node: str) -> None:
        """Take a node away as a power cut does: its daemon and all that runs under its jobs."""
        self._stop(self.folder / f"started.slurmd.{node}", signal.SIGKILL)
        processes = _processes_of(node)
        # The keepers of the steps go first, or they would still tell the controller of the rest.
        keepers = {parent for p in processes if "slurmstepd" in _command(parent := _parent(p))}
        for process in (*keepers, *processes):
            _signal(process, signal.SIGKILL)

    def ready(self) -> bool:
        states = self.told("sinfo", "-h", "-N", "-o", "%N %T").split("\n")
        return {line.split()[0] for line in states if line.endswith(" idle")} == set(NODES)

    def told(self, *command: str) -> str:
        """What a SLURM command prints; an empty text if it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def _check(self) -> None:
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
        os.environ["PATH"] = path
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            raise NoCluster(f"{missing[0]} is missing: apt-get install {' '.join(PACKAGES)}")
        if os.geteuid() != 0:
            raise NoCluster("SLURM's daemons need root")
        if SYSTEM_CONFIG.exists() and not SYSTEM_CONFIG.is_symlink():
            raise NoCluster(f"{SYSTEM_CONFIG} is another cluster's")

    def _configure(self) -> None:
        (self.folder / "state").mkdir(parents=True)
        gpus = [self._device(number) for number in range(GPUS)]
        values = {"folder": str(self.folder), "host": socket.gethostname().split(".")[0]}
        values |= {f"port_{name}": str(port) for name, port in PORTS.items()}
        values["nodes"] = "\n".join(
            f"NodeName={node} NodeHostname={values['host']} NodeAddr=127.0.0.1 "
            f"Port={FIRST_NODE_PORT + number} CPUs={CPUS} RealMemory={MEMORY_MB}"
            + (f" Gres=gpu:{count}" if count else "")
            for number, (node, count) in enumerate(NODES.items())
        )
        for name in ("slurm.conf", "slurmdbd.conf"):
            text = (HERE / f"{name}.in").read_text(encoding="utf-8")
            (self.folder / name).write_text(text.format(**values), encoding="utf-8")
        (self.folder / "slurmdbd.conf").chmod(0o600)
        lines = [f"NodeName=g1 Name=gpu File={path}\n" for path in gpus]
        (self.folder / "gres.conf").write_text("".join(lines), encoding="utf-8")
        cgroup = "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainCores=no\n"
        (self.folder / "cgroup.conf").write_text(cgroup, encoding="utf-8")
        SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
        SYSTEM_CONFIG.unlink(missing_ok=True)
        SYSTEM_CONFIG.symlink_to(self.folder / "slurm.conf")

    def _device(self, number: int) -> Path:
        path = self.folder / f"gpu{number}"
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3))
        return path

    def _munge(self) -> None:
        key, place = self.folder / "munge.key", self.folder / "munge.socket"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._daemon(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={place}",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        self._until(place.exists, "munged did not start")

    def _accounting(self) -> None:
        data = self.folder / "mysql"
        _run("mariadb-install-db", f"--datadir={data}", "--user=root", "--skip-test-db")
        place = f"--socket={self.folder}/mysql.socket"
        self._daemon(
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--bind-address=127.0.0.1",
            f"--port={PORTS['mysql']}",
            place,
            f"--pid-file={self.folder}/mysql.pid",
            "--innodb-buffer-pool-size=64M",
        )
        query = ("mariadb", "--no-defaults", place, "-uroot", "-e")
        self._until(
            lambda: subprocess.run([*query, "select 1"], capture_output=True).returncode == 0,
            "mariadb did not start",
        )
        _run(
            *query,
            "create database slurm; create user slurm@'127.0.0.1' identified by 'slurm';"
            "grant all on slurm.* to slurm@'127.0.0.1'",
        )
        self._daemon("slurmdbd", "-D")
        self._until(
            lambda: bool(self.told("sacctmgr", "-n", "list", "user")), "slurmdbd did not start"
        )
        self.told("sacctmgr", "-i", "add", "cluster", "bmdpipe")
        self.told("sacctmgr", "-i", "add", "account", "lab", "Description=lab")
        self.told("sacctmgr", "-i", "add", "user", "root", "Account=lab")

    def _daemon(self, program: str, *arguments: str, name: str | None = None) -> None:
        """Start a daemon in a session of its own and note its number."""
        with (self.folder / f"{name or program}.out").open("ab") as out:
            process = subprocess.Popen(
                [program, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.running.append(process)
        (self.folder / f"started.{name or program}").write_text(f"{process.pid}\n")

    def _stop(self, mark: Path, how: signal.Signals = signal.SIGTERM) -> None:
        number = int(mark.read_text())
        mark.unlink()
        _signal(number, how)
        deadline = time.monotonic() + WAIT_S
        while _alive(number) and time.monotonic() < deadline:
            time.sleep(0.2)
        _signal(number, signal.SIGKILL)

    def _until(self, reached: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not reached():
            if time.monotonic() > deadline:
                raise NoCluster(f"{complaint}; the logs are in {self.folder}")
            time.sleep(0.5)


def _processes_of(node: str) -> list[int]:
    """The processes of a node's jobs: those whose environment names the node."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = path.read_bytes().split(b"\0")
        except OSError:  # it has ended, or is the kernel's
            continue
        if f"SLURMD_NODENAME={node}".encode() in environment:
            found.append(int(path.parent.name))
    return found


def _parent(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoCluster(f"{command[0]}: {done.stderr.strip()[-400:]}")


def _signal(process: int, how: signal.Signals) -> None:
    try:
        os.kill(process, how)
    except ProcessLookupError:
        return


def _alive(process: int) -> bool:
    try:
        os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        return Path(f"/proc/{process}").exists()
    return (
        Path(f"/proc/{process}/stat").exists()
        and " Z " not in Path(f"/proc/{process}/stat").read_text()
    )


def main(arguments: Sequence[str]) -> None:
    action, folder = arguments
    cluster = Slurm(Path(folder).resolve())
    {"start": cluster.start, "stop": cluster.stop}[action]()


if __name__ == "__main__":
    main(sys.argv[1:])
