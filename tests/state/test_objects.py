"""The object store: what is written once, replaced, listed and read, whichever store holds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.state.objects import Store
from tests.support.line import ROWS, Line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory://", "file://", pytest.param("https://", marks=pytest.mark.azurite)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store in memory, one in a folder that does not exist yet, and one in a container."""
    if request.param == "https://":
        opened: Store = request.getfixturevalue("azurite").open()
        return opened
    nobody: Any = None
    folder = tmp_path / "new" / "state" if request.param == "file://" else ""
    return Store.open(f"{request.param}{folder}", nobody)


async def test_an_object_is_created_once(store: Store) -> None:
    """Whoever comes second is told so, and the first value stays."""
    first = await store.create("runs/a", b"1")
    second = await store.create("runs/a", b"2")

    assert (True, False) == (first, second)
    assert b"1" == await store.get("runs/a")


async def test_an_object_can_be_replaced(store: Store) -> None:
    """`put` writes whether the object is there or not."""
    await store.put("runs/a", b"1")
    await store.put("runs/a", b"2")

    assert b"2" == await store.get("runs/a")


async def test_a_missing_object_reads_as_none(store: Store) -> None:
    """It is no error, and an empty object is not missing."""
    await store.put("runs/empty", b"")

    assert None is await store.get("runs/a")
    assert b"" == await store.get("runs/empty")


async def test_an_object_can_be_deleted(store: Store) -> None:
    """It is gone, the others stay, and it is no error if there is none."""
    for key in ("runs/a", "runs/b"):
        await store.put(key, b"1")
    for _ in range(2):
        await store.delete("runs/a")

    assert (None, ["runs/b"]) == (await store.get("runs/a"), await store.keys("runs/"))
    assert await store.create("runs/a", b"2")


async def test_names_are_listed_in_order_below_a_prefix(store: Store) -> None:
    """Only what lies below it, at any depth, sorted by name."""
    for key in ("runs/b/2", "runs/b/1/x", "runs/a", "other/c"):
        await store.put(key, b"")

    assert ["runs/a", "runs/b/1/x", "runs/b/2"] == await store.keys("runs/")
    assert [] == await store.keys("nothing/")


async def test_several_objects_are_read_in_the_order_asked(store: Store) -> None:
    """Those that are gone are left out; an empty one is not."""
    for key in ("a", "b"):
        await store.put(f"runs/{key}", key.encode())
    await store.put("runs/empty", b"")

    assert [b"b", b"", b"a"] == await store.get_all(["runs/b", "runs/gone", "runs/empty", "runs/a"])


async def test_a_store_in_memory_starts_empty() -> None:
    """Two stores that were opened by the same address share nothing."""
    nobody: Any = None
    one, other = Store.open("memory://", nobody), Store.open("memory://", nobody)
    await one.put("a", b"1")

    assert None is await other.get("a")


async def test_a_folder_keeps_what_was_written(tmp_path: Path) -> None:
    """Another process that opens it reads the same."""
    nobody: Any = None
    await Store.open(f"file://{tmp_path}", nobody).put("runs/a", b"1")

    assert b"1" == await Store.open(f"file://{tmp_path}", nobody).get("runs/a")
    assert b"1" == (tmp_path / "runs" / "a").read_bytes()


class Opened(Store):
    """A store that shows what it was opened with."""

    def __init__(self, objects: Any) -> None:
        super().__init__(objects)
        self.objects = objects


async def test_a_container_is_reached_at_its_own_address_with_our_token() -> None:
    """Also in a Government cloud; nothing is asked for before it is needed."""
    line = Line(ROWS)
    opened = Opened.open("https://account.blob.core.usgovcloudapi.net/state/", line).objects
    asked = list(line.scopes)
    token = await opened.credential_provider()

    assert {
        "endpoint": "https://account.blob.core.usgovcloudapi.net",
        "account_name": "account",
        "container_name": "state",
    } == opened.config
    assert ([], ["https://storage.azure.com/.default"]) == (asked, line.scopes)
    assert {"token": "token", "expires_at": datetime.fromtimestamp(4_000_000_000, UTC)} == token


@pytest.mark.parametrize("size", [1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 6_000_000])
@pytest.mark.parametrize("rest", [b"", b"\n", b"\nmore\nlines" * 100_000])
async def test_a_first_line_is_read_whatever_its_length(store: Store, size: int, rest: bytes) -> None:
    """Without its end, and without what follows; a missing object has none."""
    line = b"x" * size
    await store.create("runs/a", (line, rest))

    assert line == await store.get_line("runs/a")
    assert None is await store.get_line("runs/b")
    assert line + rest == await store.get("runs/a")


async def test_an_object_of_many_megabytes_is_created_once(store: Store) -> None:
    """Though stores write large objects in parts elsewhere."""
    value = (b"first\n", b"x" * 12_000_000)
    created = [await store.create("runs/a", value) for _ in range(2)]

    assert [True, False] == created
    assert b"first" == await store.get_line("runs/a")


async def test_a_listing_says_when_each_object_was_written(store: Store) -> None:
    """In the order of their names, and of another prefix nothing."""
    for key in ("runs/b", "runs/a", "open/a"):
        await store.create(key, b"1")
    listed = await store.dated("runs/")

    assert ["runs/a", "runs/b"] == list(listed)
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=1) for at in listed.values())


@pytest.mark.parametrize(("most", "count", "whole"), [(2, 2, False), (3, 3, True), (9, 3, True)])
async def test_a_part_of_a_listing_says_whether_it_is_all(
    store: Store, most: int, count: int, whole: bool
) -> None:
    """No more objects are listed than are asked for, and only those below the prefix."""
    for key in ("runs/a", "runs/b", "runs/c", "other/d"):
        await store.put(key, b"1")
    found, all_of_them = await store.some("runs/", most)

    assert (count, whole) == (len(found), all_of_them)
    assert {each.key for each in found} <= {"runs/a", "runs/b", "runs/c"}
