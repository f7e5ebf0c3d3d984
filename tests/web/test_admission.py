"""Too many at once, or one too often: told to come later, by 503; probes are answered always, short crowds served."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from servers import Answer, Installation, Server, fetch, free_port, wait_until

LIST = b"GET /oai?verb=ListRecords&metadataPrefix=oai_dc HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., Installation]) -> Installation:
    """An installation whose first page is more than any socket takes at once."""
    made = new_installation("sqlite")
    lines = [json.dumps({"id": f"r{number}", "titles": [{"value": "x" * 200_000}]}) for number in range(60)]
    made.run("import", "-", "--reader", "canonical", stdin="\n".join(lines))
    return made


def assert_later(answer: Answer) -> int:
    """Fail where an answer is not the 503 that harvesters understand; return after how many seconds to come again."""
    assert answer.status == 503
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert "come again" in answer.text
    assert answer.text.count("\n") == 1
    return int(re.fullmatch(r"[1-9]\d*", answer.headers["Retry-After"])[0])


@contextmanager
def slow_harvesters(port: int, count: int) -> Iterator[None]:
    """So many harvesters that have asked for a page and do not read on."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", port))
            connection.sendall(LIST)
            assert connection.recv(16) == b"HTTP/1.1 200 OK\r"
        yield


def test_slow_harvesters_leave_room_to_say_so(installation: Installation):
    with installation.serve(workers=1, threads=4, busy_share=0.5) as server:
        with slow_harvesters(installation.port, 1):
            assert server.get(verb="Identify").status == 200
            with slow_harvesters(installation.port, 1):
                begun = time.monotonic()
                refused = [server.get(verb="Identify") for _ in range(12)]
                assert [assert_later(answer) for answer in refused] == [10] * 12
                assert time.monotonic() - begun < 3, "who is refused is told at once"
                assert_later(fetch(server.url))
                for _ in range(12):
                    assert fetch(f"{server.url}/health/live").status == 200
                    assert fetch(f"{server.url}/health/ready").status == 200
                refused_post_keeps_the_connection(server)
        wait_until(lambda: server.get(verb="Identify").status == 200, 10, "a free thread")


def refused_post_keeps_the_connection(server: Server) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    for _ in range(2):
        connection.request("POST", "/oai", b"verb=Identify" + b"&a=1" * 10_000)
        response = connection.getresponse()
        assert_later(Answer(response.status, response.headers, response.read()))
    connection.close()


def test_a_short_crowd_is_served(installation: Installation):
    """Forty at once, on two places of four threads, to whom each answer comes soon."""
    with installation.serve(workers=1, threads=4, busy_share=0.5) as server, ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(lambda _: server.get(verb="ListIdentifiers", metadataPrefix="oai_dc"), range(200)))
        assert {answer.status for answer in answers} == {200}


def test_by_a_share_of_one_all_threads_are_for_harvesters(installation: Installation):
    with installation.serve(workers=1, threads=2, busy_share=1) as server, slow_harvesters(installation.port, 1):
        assert server.get(verb="Identify").status == 200


# How often


def statuses(server: Server, count: int, **headers: str) -> list[int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [fetch(f"{server.base_url}?verb=Identify", headers=named).status for _ in range(count)]


def test_who_asks_too_often_is_told_to_come_later(installation: Installation):
    with installation.serve(workers=1, rate_limit="5/minute") as server:
        assert statuses(server, 7, X_Forwarded_For="192.0.2.1") == [200] * 5 + [503] * 2
        assert statuses(server, 1, X_Forwarded_For="192.0.2.2") == [503], "anybody can write that header"
        answer = server.get(verb="Identify")
        assert 50 < assert_later(answer) <= 61
        assert "5/minute" in answer.text
        assert_later(fetch(server.base_url, "POST", "verb=Identify"))
        assert_later(fetch(server.url))
        for _ in range(8):
            assert fetch(f"{server.url}/health/live").status == 200
            assert fetch(f"{server.url}/health/ready").status == 200


def test_behind_a_proxy_the_client_counts(installation: Installation):
    with installation.serve(workers=1, rate_limit="5/hour", trusted_proxies=1) as server:
        assert statuses(server, 6, X_Forwarded_For="192.0.2.9, 192.0.2.1") == [200] * 5 + [503]
        assert statuses(server, 1, X_Forwarded_For="192.0.2.9, 192.0.2.2") == [200]
        assert statuses(server, 1, X_Forwarded_For="192.0.2.8, 192.0.2.1") == [503]


def test_a_burst_can_be_allowed_and_is_over_soon(installation: Installation):
    with installation.serve(workers=1, rate_limit="3/second; 1000/hour") as server:
        found = [server.get(verb="Identify") for _ in range(20)]
        refused = [assert_later(answer) for answer in found if answer.status == 503]
        assert refused
        assert set(refused) <= {1, 2}
        time.sleep(max(refused))
        assert statuses(server, 1) == [200]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of the test's own: its address and its process."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("MISSING redis-server: rates are not counted together")
    port = free_port()
    settings = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path))
    process = subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, 10, "Redis")
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.kill()
        process.wait()


def test_redis_counts_for_all_servers_and_may_go_away(
    installation: Installation, redis: tuple[str, subprocess.Popen[bytes]]
):
    address, process = redis
    other = Installation(installation.folder, installation.settings)
    rate = {"rate_limit": "6/hour", "rate_storage": address}
    with installation.serve(workers=2, **rate) as one, other.serve(workers=2, **rate) as two:
        found = [status for _ in range(5) for server in (one, two) for status in statuses(server, 1)]
        assert found == [200] * 6 + [503] * 4
        process.kill()
        process.wait()
        assert statuses(one, 1) + statuses(two, 1) == [200, 200], "each process counts for itself meanwhile"


def test_who_asks_on_and_on_keeps_no_thread_from_others(installation: Installation):
    """A thread goes on with a connection whose next request comes at once, but only while nobody waits for a thread."""
    with installation.serve(workers=1, threads=1) as server, ThreadPoolExecutor() as threads:
        answered = threading.Event()

        def ask(times: int) -> int:
            with closing(http.client.HTTPConnection("127.0.0.1", installation.port, timeout=10)) as connection:
                for number in range(times):
                    connection.request("GET", "/oai?verb=Identify")
                    assert connection.getresponse().read()
                    if answered.is_set():
                        return number
            return times

        without_end = [threads.submit(ask, 10**6) for _ in range(3)]
        try:
            assert ask(20) == 20
            assert server.get(verb="Identify").status == 200
        finally:
            answered.set()
        assert min(one.result() for one in without_end) > 0
