"""What the forwarder wrote down is found again, whatever happened to the file."""

import msgspec

from nsm.dataplane.records import HISTORY, LARGEST_FILE, Record, Records


def record(number: int, **more: object) -> Record:
    return Record(f"c-{number}", "client", 4, 1000 + number, f"nsm-{number}", **more)


async def test_a_later_life_finds_what_an_earlier_one_wrote(tmp_path) -> None:
    path = tmp_path / "records"
    first = Records(path)
    assert await first.load() == ()
    await first.put(record(1), record(2, vni=7, expires=1.5))
    await first.put(record(1, expires=9.0))
    await first.forget("c-2", "client", "endpoint")
    assert await Records(path).load() == (record(1, expires=9.0),)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_damaged_and_foreign_lines_are_passed_over(tmp_path, caplog) -> None:
    path = tmp_path / "records"
    await Records(path).put(record(1), record(2))
    whole = path.read_bytes()
    for wrong in (
        whole[: len(whole) // 2],
        b"\x00\xff" + whole,
        b'{"connection":1}\n[]\nnull\n' + whole + b'{"conn',
        b"{" * 70000 + b"\n" + whole,
    ):
        path.write_bytes(wrong)
        again = Records(path)
        assert set(await again.load()) <= {record(1), record(2)}
        await again.put(record(3))
        assert record(3) in await Records(path).load()
    assert "damaged" in caplog.text


async def test_a_file_of_absurd_size_is_not_read(tmp_path) -> None:
    path = tmp_path / "records"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert await Records(path).load() == ()


async def test_history_does_not_grow_for_ever(tmp_path) -> None:
    path = tmp_path / "records"
    records = Records(path)
    line = len(msgspec.json.encode(record(1))) + 2
    for when in range(10):
        await records.put(*(record(1, expires=float(when)) for _ in range(HISTORY // 2)))
        assert path.stat().st_size < (HISTORY * 2 + 10) * (line + 10)
    assert await Records(path).load() == (record(1, expires=9.0),)
