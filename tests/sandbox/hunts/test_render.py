"""`python -m sandbox hunts render` prints a hunt's query as it is sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from sandbox.telemetry.engine import Engine
from shared.catalog.load import SHIPPED, load_hunts
from tests.support.hunt_files import NAMELESS, five_hunts, write
from tests.support.hunt_trials import EXAMPLES, options

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.hunt import Hunt

HUNTS = load_hunts().hunts


# What each is sent as is held to its golden, and its cases run it: here it is the printing that counts.
@pytest.mark.parametrize("hunt", HUNTS[::6], ids=lambda hunt: hunt.name)
def test_a_hunt_is_rendered_as_a_query_that_runs(hunt: Hunt, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds that one query, and standard error the time window that it is for."""
    code = main(["hunts", "render", hunt.name, *options(hunt)])
    out, err = capsys.readouterr()
    now = datetime.now(UTC)
    engine = Engine()
    schema, rows = engine.hunt(out, start=now - hunt.lookback, end=now, now=now, limit=10)

    assert 0 == code
    assert (
        "\n| take 10001\n| project-away _Whose, _Rank\n" in out
    )  # a name, or several indicators: limited for each
    assert set(hunt.columns) <= {column["name"] for column in schema}
    assert [] == rows
    assert re.fullmatch(r"// over the last (day|\d+ days|\d+ hours)\n", err)


@pytest.mark.parametrize(
    ("hunt", "option", "value", "expected"),
    [
        ("archive-then-upload", "--device", "srv-7", 'DeviceName =~ "srv-7"'),
        ("archive-then-upload", "--device", "srv-7.contoso.com", 'DeviceName =~ "srv-7.contoso.com"'),
        ("archive-then-upload", "--device", "A" * 40, f'let _DeviceIds = dynamic(["{"a" * 40}"]);'),
        ("archive-then-upload", "--device", 'x" or 1 == 1', r'DeviceName =~ "x\" or 1 == 1"'),
        ("file-origin", "--indicator", "203.0.113[.]9", '"203.0.113.9"'),
        ("file-origin", "--indicator", "2001:DB8::1", '"2001:db8::1"'),
        ("file-origin", "--indicator", "hxxps://evil[.]example/a/", '"evil.example/a"'),
        ("file-origin", "--indicator", "evil.example", '"evil.example"'),
    ],
)
def test_a_value_is_rendered_as_the_literal_that_is_hunted(
    hunt: str, option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device goes by name or id, an indicator without its defanging; whatever they hold, they stay literals."""
    code = main(["hunts", "render", hunt, option, value])

    assert 0 == code
    assert expected in capsys.readouterr().out


def test_each_kind_of_indicator_has_its_own_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Indicators of several kinds are hunted for in one query."""
    words = [word for value, _ in EXAMPLES.values() for word in ("--indicator", value)]
    main(["hunts", "render", "file-origin", *words[:6]])
    out = capsys.readouterr().out

    assert [
        'let _IpAddresses = dynamic(["203.0.113.9"]);',
        'let _Urls = dynamic(["evil.example/a"]);',
        'let _Domains = dynamic(["evil.example"]);',
    ] == out.splitlines()[:3]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such-hunt", "--device", "srv-7"], r"there is no hunt no-such-hunt; there are .*file-origin"),
        (["archive-then-upload"], "hunts for devices: name them with --device"),
        (["archive-then-upload", "--indicator", "192.0.2.1"], "hunts for devices: name them with --device"),
        (["file-origin", "--device", "srv-7"], r"hunts for indicators \(ip, url, domain\): give --indicator"),
        (["file-origin", "--indicator", "a" * 40], "no indicator of a kind that the query names"),
    ],
)
def test_what_cannot_be_rendered_is_explained_in_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says what to change; no query is printed, and the exit code is 2."""
    code = main(["hunts", "render", *arguments])
    out, err = capsys.readouterr()

    assert (2, "") == (code, out)
    assert re.fullmatch(f"sandbox: .*{expected}.*\n", err)


@pytest.mark.parametrize(
    ("given", "expected"), [("P1D", "day"), ("P14D", "14 days"), ("PT6H", "6 hours"), ("PT36H", "1.5 days")]
)
def test_another_lookback_leaves_the_query_unchanged(
    given: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time window is printed beside the query, which does not contain it."""
    main(["hunts", "render", "device-card", "--device", "srv-7"])
    usual = capsys.readouterr().out
    main(["hunts", "render", "device-card", "--device", "srv-7", "--lookback", given])

    assert (usual, f"// over the last {expected}\n") == tuple(capsys.readouterr())


def test_a_hunt_from_your_own_folder_is_rendered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken hunt beside it is reported, as is one whose rows name no device; neither gets in its way."""
    shipped = next(SHIPPED.rglob("archive-then-upload.yaml")).read_text(encoding="utf-8")
    mine = shipped.replace(
        five_hunts().by_name["archive-then-upload"].id, "00000000-0000-4000-8000-000000000001"
    )
    (tmp_path / "mine.yaml").write_text(mine, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("name: Broken\n", encoding="utf-8")
    write(tmp_path, "nameless.yaml", NAMELESS)
    code = main(["hunts", "render", "mine", "--device", "srv-7", "--hunts", str(tmp_path)])
    out, err = capsys.readouterr()

    assert 0 == code
    assert out.startswith("let _DeviceKinds = materialize(DeviceInfo")
    assert "\nlet DeviceNetworkEvents = " in out
    assert "broken.yaml" in err
    assert "nameless.yaml:15:8: query: its rows have neither DeviceId nor DeviceName" in err
