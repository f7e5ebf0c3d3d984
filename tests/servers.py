"""The product from outside: an installation driven by its command, served by its own gunicorn, on either engine.

Nothing here imports the server. Everything goes through ``oai-server`` as a subprocess and through HTTP, as an
administrator and a harvester would.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

PROGRAM = Path(sys.executable).with_name("oai-server")
ENGINES = ("sqlite", "postgresql")


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true, seconds: float, what: str) -> None:
    """Poll until ``is_true()``; fail with ``what`` where that takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


class Answer(NamedTuple):
    """One HTTP response, read to its end. ``headers`` is case-insensitive."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def fetch(
    url: str, method: str = "GET", body: bytes | str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request on a connection of its own and return the answer, whatever its status; follow no redirect."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = parts.path or "/"
        connection.request(method, f"{target}?{parts.query}" if parts.query else target, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@dataclass
class Server:
    """A running server: ``url`` is its root without a slash, ``base_url`` what harvesters use."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def base_url(self) -> str:
        return f"{self.url}/oai"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def get(self, **arguments: str) -> Answer:
        """Ask the OAI-PMH endpoint; ``from_`` stands for ``from``."""
        named = {name.rstrip("_"): value for name, value in arguments.items()}
        return fetch(f"{self.base_url}?{urlencode(named)}")

    def ready(self) -> bool:
        """Tell whether /health/ready says so."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return fetch(f"{self.url}/health/ready").status == 200
        return False

    def processes(self) -> list[int]:
        """Return the process ids that are alive in the server's session, the master first."""
        members = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                state, _parent, _group, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    members.append(int(folder.name))
        return sorted(members)

    def wait_ready(self) -> None:
        """Wait until /health/ready says so; fail with the log where the server ends instead."""
        wait_until(lambda: self.ready() or self.process.poll() is not None, 30, f"/health/ready\n{self.log[-3000:]}")
        if self.process.poll() is not None:
            raise AssertionError(f"the server exited {self.process.returncode} at its start:\n{self.log[-3000:]}")

    def stop(self) -> None:
        """SIGTERM must end every process, with exit 0 and no traceback in the log."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        wait_until(lambda: not self.processes(), 5, "the end of the workers")
        assert code == 0, f"the server exited {code} on SIGTERM:\n{self.log[-3000:]}"
        assert "Traceback" not in self.log, self.log[-6000:]

    def kill(self) -> None:
        """SIGKILL every process of the server, if any is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Installation:
    """One instance folder, with its settings as ``OAI_…`` variables, on a port that stays its own.

    ``program`` begins its commands, where that shall not be ``oai-server`` itself.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    program: tuple[str, ...] = (str(PROGRAM),)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **settings: object) -> dict[str, str]:
        """Return this process's environment without its OAI settings, and with the installation's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OAI_")}
        named = {"base_url": f"{self.url}/oai", **self.settings, **settings}
        return kept | {f"OAI_{name.upper()}": str(value) for name, value in named.items()}

    def run(
        self,
        *arguments: object,
        check: bool = True,
        stdin: str | bytes | None = None,
        timeout: float = 300,
        **settings: object,
    ) -> subprocess.CompletedProcess[str]:
        """Run one ``oai-server`` command on this instance; ``check`` fails with what it said where it fails."""
        command = [*self.program, *map(str, arguments), "--instance", str(self.folder)]
        done = subprocess.run(
            command,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            env=self.environment(**settings),
        )
        said = subprocess.CompletedProcess(
            command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        if check and said.returncode:
            raise AssertionError(f"{' '.join(command)} exited {said.returncode}\n{said.stdout}{said.stderr}")
        return said

    def launch(self, *, workers: int = 2, threads: int = 4, **settings: object) -> Server:
        """Start ``oai-server serve`` in a session of its own and return at once; for tests of starting and dying."""
        log_file = self.folder / "serve.log"
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                [
                    *self.program,
                    "serve",
                    *("--instance", str(self.folder)),
                    *("--bind", f"127.0.0.1:{self.port}"),
                    *("--workers", str(workers)),
                    *("--threads", str(threads)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(**settings),
                start_new_session=True,
            )
        return Server(self.url, process, log_file)

    @contextlib.contextmanager
    def serve(self, *, workers: int = 2, threads: int = 4, **settings: object) -> Iterator[Server]:
        """Serve until the block ends; then it must stop as :meth:`Server.stop` says."""
        server = self.launch(workers=workers, threads=threads, **settings)
        try:
            server.wait_ready()
            yield server
            server.stop()
        except BaseException as error:
            error.add_note(f"server log, its end:\n{server.log[-3000:]}")
            raise
        finally:
            server.kill()


class Cluster:
    """A PostgreSQL server of the tests' own: unsafe and fast, in a temporary folder, on a free port.

    PostgreSQL refuses to run as root; there it runs as the user ``postgres``, else ``nobody``. ``options`` are settings
    of the server that differ from these: after a crash, for one, a commit is only there with ``synchronous_commit``.
    """

    def __init__(self, binaries: Path, **options: object) -> None:
        self.binaries = binaries
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="oai-postgresql-"))
        self.port = free_port()
        self._databases = 0
        self.identity: dict[str, object] = {}
        if os.geteuid() == 0:
            import pwd

            names = {entry.pw_name for entry in pwd.getpwall()}
            user = next(name for name in ("postgres", "nobody") if name in names)
            group = pwd.getpwnam(user).pw_gid
            self.identity = {"user": user, "group": group, "extra_groups": []}
            shutil.chown(self.folder, user, group)
        self._create()
        self.start()

    def _create(self) -> None:
        self._run(
            "initdb", "--auth=trust", "--username=oai", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", self.data
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process that all of the server's others come from."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _run(self, program: str, *arguments: object, timeout: float | None = 120) -> str:
        done = subprocess.run(
            [str(self.binaries / program), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,  # the server keeps what it inherits
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            cwd=self.folder,
            timeout=timeout,
            **self.identity,  # type: ignore[call-overload]
        )
        if done.returncode:
            said = (done.stderr or b"").decode(errors="replace")
            raise RuntimeError(f"{program} exited {done.returncode}: {said}{self.log[-2000:]}")
        return (done.stdout or b"").decode()

    @property
    def log(self) -> str:
        """The server's log; it names every statement that failed."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "timezone": "Pacific/Auckland",  # nobody may rely on a server that thinks in UTC
            **self.options,
        }
        given = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.folder / "log", "-o", given)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``smart``, ``fast``, or ``immediate`` as a crash would."""
        self._run("pg_ctl", "stop", "-w", "-D", self.data, "-m", mode)

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        self._databases += 1
        name = f"oai_{self._databases}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql+psycopg://oai@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres", timeout: float | None = 120) -> str:
        """Run one statement as the owner, for so many seconds at most, and return psql's bare output."""
        connected = ("-h", "127.0.0.1", "-p", self.port, "-U", "oai", "-d", database)
        return self._run("psql", *connected, "-XAtqc", statement, timeout=timeout)

    def remove(self) -> None:
        """Stop the server if it runs, and delete its folder."""
        with contextlib.suppress(RuntimeError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def replica(self) -> Replica:
        """Start a streaming replica of all databases, to be removed on its own."""
        return Replica(self)


class Replica(Cluster):
    """A streaming replica of a cluster: follows it at once, or lags as far as it is told to."""

    def __init__(self, primary: Cluster) -> None:
        self._primary = primary
        # A primary that was away is looked for again soon.
        super().__init__(primary.binaries, **primary.options, wal_retrieve_retry_interval="200ms")

    def _create(self) -> None:
        primary = ("-h", "127.0.0.1", "-p", self._primary.port, "-U", "oai")
        self._run("pg_basebackup", *primary, "-D", self.data, "--write-recovery-conf", "-c", "fast", "--no-sync")

    def url(self, of_primary: str) -> str:
        """Return the URL here of a database of the primary."""
        return of_primary.replace(f":{self._primary.port}/", f":{self.port}/")

    def caught_up(self) -> bool:
        """Tell whether it shows all that the primary has written by now."""
        written = self._primary.sql("SELECT pg_current_wal_flush_lsn()").strip()
        return self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{written}'").strip() == "t"

    def pause(self) -> None:
        """Show nothing new from now on."""
        self.sql("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Catch up, and follow again."""
        self.sql("SELECT pg_wal_replay_resume()")


def postgresql_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, of the newest version installed; nothing where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None
