"""Files are found, opened and decompressed; what is broken says so once, after what came before."""

import gzip
import io
import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from oai_server.ingest.files import BrokenFile, Problem, Source, lines, plain, sources, whole

TEXT = b"".join(b"line %d\n" % number for number in range(50_000))


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKED = {"gzip": gzip.compress, "zstd": _zstd, "plain": bytes}


@pytest.mark.parametrize("name", PACKED)
@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.binary(max_size=5000), min_size=1, max_size=4))
def test_what_was_packed_comes_out(name: str, parts: list[bytes]) -> None:
    packed = b"".join(PACKED[name](part) for part in parts)  # several members are one stream
    if name == "plain" and packed[:4].startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return
    assert plain(io.BytesIO(packed)).read() == b"".join(parts)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@settings(max_examples=20, deadline=None)
@given(share=st.floats(min_value=0.01, max_value=0.99))
def test_a_cut_off_file_gives_what_came_before_and_then_says_so(name: str, share: float) -> None:
    packed = PACKED[name](TEXT)
    stream = plain(io.BytesIO(packed[: int(len(packed) * share) + 5]))
    got: list[bytes] = []
    with pytest.raises(BrokenFile, match="cut off"):
        got.extend(line for _, line in lines(stream) if line is not None)
    assert TEXT.startswith(b"".join(got))
    if share > 0.6 and name == "gzip":
        assert got


def test_a_damaged_gzip_says_so() -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 0xFF  # in the checksum
    stream = plain(io.BytesIO(bytes(packed)))
    with pytest.raises(BrokenFile, match="damaged"):
        stream.read()


def test_padding_behind_a_gzip_is_no_damage() -> None:
    assert plain(io.BytesIO(gzip.compress(b"abc") + b"\0" * 1000)).read() == b"abc"


def test_a_bomb_is_never_held_whole() -> None:
    bomb = io.BytesIO(gzip.compress(b"\0" * 400_000_000, 9))
    tracemalloc.start()
    try:
        stream, size = plain(bomb), 0
        while piece := stream.read1(65536):
            size += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 400_000_000
    assert peak < 120_000_000


def test_a_line_too_long_is_skipped_and_the_next_one_is_read() -> None:
    stream = io.BytesIO(b"one\n" + b"x" * 5000 + b"\nthree\n" + b"y" * 100)
    assert list(lines(stream, 50)) == [(1, b"one\n"), (2, None), (3, b"three\n"), (4, None)]


def test_a_file_that_must_be_read_whole_has_a_limit() -> None:
    assert whole(io.BytesIO(b"x" * 100), 100) == b"x" * 100
    with pytest.raises(BrokenFile, match="larger than"):
        whole(io.BytesIO(b"x" * 101), 100)


def test_a_folder_is_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.csv", "a/z.csv", "a/.secret", ".git/config", "a/b/c.jsonl.gz"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = list(sources([tmp_path]))
    assert [str(Path(each.name).relative_to(tmp_path)) for each in found] == ["a/b/c.jsonl.gz", "a/z.csv", "b.csv"]
    assert [each.filename for each in found if isinstance(each, Source)] == ["c.jsonl", "z.csv", "b.csv"]


def test_what_is_no_file_is_one_problem_each(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    names = ["nothing", "pipe", "empty", "dangling", "bad\0name"]
    found = list(sources([tmp_path / name for name in names]))
    assert all(isinstance(each, Problem) and name in each.message for name, each in zip(names, found, strict=True))
    assert all("\n" not in each.message for each in found if isinstance(each, Problem))


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    for name, data in (("a.csv", b""), ("b.csv.gz", gzip.compress(b""))):
        (tmp_path / name).write_bytes(data)
        (source,) = sources([tmp_path / name])
        assert isinstance(source, Source)
        with pytest.raises(BrokenFile, match="empty"), source.open():
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_or_file_without_permission_says_so(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    (tmp_path / "file").touch(mode=0)
    assert all("Permission denied" in each.message for each in sources([tmp_path]) if isinstance(each, Problem))
    assert len(list(sources([tmp_path]))) == 2


def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"hello"))))
    (source,) = sources(["-"])
    assert isinstance(source, Source)
    with source.open() as stream:
        assert stream.read() == b"hello"
    assert source.filename == "-"
