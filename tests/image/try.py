"""Run the built container twice on one volume and look at it as an administrator and a harvester would.

Called by ``try.sh`` as ``try.py WORK CONTAINER STORAGE-OPTIONS…``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harvesters import raw, sickle
from servers import fetch, free_port, wait_until

WORK, CONTAINER, STORAGE = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
IMAGE = json.loads((WORK / "image.json").read_text())["Docker"]["config"]
EXAMPLES = Path("docs/examples").resolve()
PORT = free_port()
URL = f"http://127.0.0.1:{PORT}"
READY_SECONDS = 10


def say(text):
    print(f"       {text}", flush=True)


def inside(*command, user="oai", **settings):
    """Return the command line that runs ``command`` in the container, configured by environment alone."""
    environment = {
        "OAI_BASE_URL": f"{URL}/oai",
        "OAI_BIND": f"127.0.0.1:{PORT}",
        "OAI_REPOSITORY_NAME": "In a container",
        **settings,
    }
    return [
        *("buildah", *STORAGE, "run", "--isolation", "chroot", "--network", "host", "--user", user),
        *("--volume", f"{WORK / 'instance'}:/instance", "--volume", f"{EXAMPLES}:/examples:ro"),
        *(option for name, value in environment.items() for option in ("--env", f"{name}={value}")),
        *(CONTAINER, "--", *command),
    ]


def run(*command):
    done = subprocess.run(inside(*command), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout


def ready():
    try:
        return fetch(f"{URL}/health/ready").status == 200
    except OSError:
        return False


def members(instance="/instance"):
    """Return {pid: (uid, command)} of the processes whose environment names the container's instance and port."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if (
                f"OAI_BIND=127.0.0.1:{PORT}".encode() in environment
                and f"OAI_INSTANCE={instance}".encode() in environment
            ):
                found[int(folder.name)] = (folder.stat().st_uid, command)
        except OSError:
            continue
    return found


class Running:
    """The container with its default command, from start to a clean stop."""

    def __enter__(self):
        started = time.monotonic()
        self.log = (WORK / "serve.log").open("ab")
        self.process = subprocess.Popen(inside(*IMAGE["Cmd"]), stdout=self.log, stderr=self.log, start_new_session=True)
        wait_until(lambda: ready() or self.process.poll() is not None, 60, "ready")
        assert self.process.poll() is None, (WORK / "serve.log").read_text()
        took = time.monotonic() - started
        say(f"ready after {took:.1f} s")
        assert took < READY_SECONDS
        return self

    def __exit__(self, kind, error, trace):
        # What `docker stop` signals is the container's first process: the one that its shell became.
        found = members()
        first = min(pid for pid, (_, command) in found.items() if "serve" in command)
        started = time.monotonic()
        os.kill(first, signal.SIGTERM)
        self.process.wait(timeout=40)
        wait_until(lambda: not members(), 5, f"the end of {members()}")
        self.log.close()
        text = (WORK / "serve.log").read_text()
        if kind is None:
            assert self.process.returncode == 0, (self.process.returncode, text[-3000:])
            assert "Traceback" not in text, text[-3000:]
            say(f"SIGTERM ended {len(found)} processes in {time.monotonic() - started:.1f} s, exit 0")
        else:
            print(text[-3000:], file=sys.stderr)


with Running():
    found = members()
    assert found, "no process found"
    assert {uid for uid, _ in found.values()} == {10001}, found
    assert not any(command.startswith("sh ") for _, command in found.values()), found
    say(f"{len(found)} processes, all as user 10001, no shell among them")

    check = [word.replace(":8000/", f":{PORT}/") for word in IMAGE["Healthcheck"]["Test"][1:]]
    run(*check)
    broken = [word.replace("/health/ready", "/health/nothing") for word in check]
    assert subprocess.run(inside(*broken), capture_output=True).returncode != 0, "the healthcheck cannot fail"
    say("the healthcheck says well of the server, and ill of what is not there")

    run("oai-server", "import", "/examples/memorandum.yaml")
    run("oai-server", "import", "--source", "tate", "--profile", "/examples/tate.toml", "/examples/tate-sample.csv")
    first = raw(f"{URL}/oai")
    assert len(first) > 200
    assert sickle(f"{URL}/oai") == first
    assert "<repositoryName>In a container<" in fetch(f"{URL}/oai?verb=Identify").text
    say(f"{len(first)} records harvested by sickle and by the strict harvester")
    secret = (WORK / "instance" / "secret_key").read_bytes()
    assert (WORK / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600

with Running():
    assert raw(f"{URL}/oai") == first
    assert (WORK / "instance" / "secret_key").read_bytes() == secret
    say("after a restart on the same volume: the same records under the same datestamps")
