"""Loading folders of hunt files, and checking the hunts that a request names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.catalog.load import SHIPPED, Catalog, load_hunts
from shared.catalog.select import check_named
from shared.errors import InvalidRequest
from tests.support.hunt_files import FIVE, INDICATOR, NAMELESS, SENTINEL, five_hunts, write


def test_all_shipped_hunts_load_in_order_of_name() -> None:
    """Those that come with the app have no errors."""
    loaded = load_hunts()

    assert () == loaded.broken
    assert [hunt.name for hunt in loaded.hunts] == sorted(hunt.name for hunt in loaded.hunts)
    assert set(FIVE) <= loaded.by_name.keys()
    assert all(hunt.shipped for hunt in loaded.hunts)


def test_a_broken_file_hides_no_other_hunt(tmp_path: Path) -> None:
    """A wrong file and one that is not UTF-8 are listed as broken, and the hunt beside them loads."""
    write(tmp_path, "a.yaml", "id: 1")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    write(tmp_path, "c.yaml", SENTINEL)
    loaded = load_hunts(tmp_path)

    assert ["a.yaml", "b.yaml"] == [error.file.name for error in loaded.broken]
    assert ["c"] == [hunt.name for hunt in loaded.hunts]


def test_a_name_or_an_id_can_be_used_only_once(tmp_path: Path) -> None:
    """The first file that has it counts, and the second one is broken."""
    write(tmp_path / "one", "a.yaml", SENTINEL)
    write(tmp_path / "two", "a.yaml", INDICATOR)
    write(tmp_path / "two", "b.yaml", SENTINEL)
    loaded = load_hunts(tmp_path / "one", tmp_path / "two")

    assert ["a"] == [hunt.name for hunt in loaded.hunts]
    assert [
        ("a.yaml", ("a.yaml:1:1: the name a is taken by another file",)),
        ("b.yaml", ("b.yaml:2:5: id: 6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11 is that of a",)),
    ] == [(error.file.name, error.problems) for error in loaded.broken]


def test_a_file_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    """What was read before counts only while the file holds the same, even where its length and time are as before."""
    file = write(tmp_path, "a.yaml", SENTINEL)
    (before,), times = load_hunts(file).hunts, file.stat()
    changed = before.title.swapcase()
    file.write_text(SENTINEL.replace(before.title, changed), encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    (after,) = load_hunts(file).hunts

    assert changed == after.title
    file.write_text("name: [", encoding="utf-8")
    assert [file] == [error.file for error in load_hunts(file).broken]


@pytest.mark.fault("A6", before="Catalog had no notices: nobody was told")
def test_a_hunt_whose_rows_name_no_device_is_noticed(tmp_path: Path) -> None:
    """It loads, and its author is told, with its place; where its rows may name one, nothing is said."""
    write(tmp_path, "a.yaml", NAMELESS)
    write(tmp_path, "b.yaml", SENTINEL)
    write(tmp_path, "c.yaml", INDICATOR)
    loaded = load_hunts(tmp_path)

    assert (["a", "b", "c"], ()) == ([hunt.name for hunt in loaded.hunts], loaded.broken)
    notice = "its rows have neither DeviceId nor DeviceName, so nobody is told whose they are: keep DeviceId"
    assert [(tmp_path / "a.yaml", f"a.yaml:15:8: query: {notice}")] == list(loaded.notices)


@pytest.mark.parametrize(
    "end",
    ["| evaluate pivot(FileName)", "| invoke FileProfile(SHA1)", "| summarize any(DeviceName) by FileName"],
)
def test_where_it_is_unclear_whose_rows_are_nothing_is_said(tmp_path: Path, end: str) -> None:
    """A notice is certain, or it is not given."""
    write(tmp_path, "a.yaml", NAMELESS.replace("| summarize count() by FileName", end))
    loaded = load_hunts(tmp_path)

    assert (1, ()) == (len(loaded.hunts), loaded.notices)


def test_a_missing_folder_is_listed_as_broken(tmp_path: Path) -> None:
    """The hunts of the other folder still load."""
    loaded = load_hunts(SHIPPED, tmp_path / "nowhere")

    assert load_hunts().hunts == loaded.hunts
    assert ["nowhere"] == [error.file.name for error in loaded.broken]


@pytest.mark.parametrize(
    ("devices", "kinds", "names", "message"),
    [
        (
            True,
            (),
            ("nope",),
            "there is no hunt 'nope'; there are archive-then-upload, device-card, file-origin",
        ),
        (True, ("fileHash",), ("file-origin",), "the hunt file-origin needs an indicator (ip, url, domain)"),
        (False, ("ip",), ("archive-then-upload",), "the hunt archive-then-upload needs a device"),
    ],
)
def test_a_hunt_that_cannot_be_started_is_refused(
    devices: bool, kinds: tuple[str, ...], names: tuple[str, ...], message: str
) -> None:
    """That a hunt does not exist, or that nothing given is of its kind, is the caller's mistake."""
    with pytest.raises(InvalidRequest) as raised:
        check_named(five_hunts(), names, devices=devices, kinds=kinds, most=40)

    assert raised.value.message.startswith(message)


def test_every_hunt_that_cannot_be_started_is_reported() -> None:
    """Two unknown names are two details of one error."""
    with pytest.raises(InvalidRequest) as raised:
        check_named(Catalog(()), ("a", "b"), devices=True, kinds=(), most=40)

    assert 2 == len(raised.value.details)


def test_more_hunts_than_one_run_takes_are_refused() -> None:
    """What somebody names is never left out without a word; the device card does not count."""
    names = ("archive-then-upload", "file-origin", "device-card", "file-origin")
    check_named(five_hunts(), names, devices=True, kinds=("ip",), most=2)
    with pytest.raises(InvalidRequest) as raised:
        check_named(five_hunts(), names, devices=True, kinds=("ip",), most=1)

    assert "2 hunts are named: one run takes at most 1 (MAX_HUNTS); name fewer, or start several" == (
        raised.value.message
    )


def test_importing_the_catalogue_does_not_import_yaml() -> None:
    """YAML is slow to import and only needed to load hunt files, so nothing else waits for it."""
    code = "import sys, shared.catalog.load; print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()
