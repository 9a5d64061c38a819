"""Files as they come from tills and spreadsheets: packed or not, in several encodings, and damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from jifen.services.imports.mapping import Encoding, FileShape
from jifen.services.imports.reading import UnreadableFile, find_encoding, read_rows

TEXT = "单号,商品\n1,坚果\n2,龙井茶\n"
ROWS = [(1, ["单号", "商品"]), (2, ["1", "坚果"]), (3, ["2", "龙井茶"])]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found(tmp_path: Path, codec: str, packed: bool) -> None:
    """What Excel saves in China (GB 18030, UTF-8 with a mark, UTF-16) is read without being told."""
    content = TEXT.encode(codec)
    path = tmp_path / "orders.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    encoding = find_encoding(path, "auto")
    assert list(read_rows(path, FileShape(), encoding)) == ROWS


def test_an_encoding_late_in_the_file_counts(tmp_path: Path) -> None:
    """The first megabytes may be ASCII and say nothing."""
    path = tmp_path / "orders.csv"
    path.write_bytes(b"a,b\n" * 600_000 + "茶,1\n".encode("gb18030"))
    assert find_encoding(path, "auto") == "gb18030"


@pytest.mark.parametrize(("wanted", "content"), [("utf-8", "茶".encode("gb18030")), ("auto", b"\xff\xff\xff")])
def test_text_in_no_encoding_is_refused(tmp_path: Path, wanted: Encoding, content: bytes) -> None:
    """Better refused than read as something else."""
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"save it as UTF-8|it is gb18030"):
        find_encoding(path, wanted)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """A quoted field may run over several lines and empty lines do not count as rows: line numbers stay true."""
    path = tmp_path / "orders.csv"
    path.write_text('a,b\n"1\nand more",2\n\n3,4\n', "utf-8")
    assert list(read_rows(path, FileShape(), "utf-8")) == [(1, ["a", "b"]), (2, ["1\nand more", "2"]), (5, ["3", "4"])]


def test_a_field_beyond_the_limit_spoils_its_row_only(tmp_path: Path) -> None:
    """A row that is no CSV comes as None; the rows after it are read."""
    path = tmp_path / "orders.csv"
    path.write_text(f"a,b\n{'x' * 200_000},1\n3,4\n", "utf-8")
    rows = list(read_rows(path, FileShape(), "utf-8"))
    assert rows == [(1, ["a", "b"]), (2, None), (3, ["3", "4"])]


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    """Half a download must not pass for a short file."""
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 1000)[:-12])
    with pytest.raises(UnreadableFile, match="cut off"):
        find_encoding(path, "auto")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """So is a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UnreadableFile, match=r"cannot be (opened|read)"):
            find_encoding(path, "auto")


@pytest.mark.parametrize(
    ("claimed", "written", "said"),
    [
        ("utf-8", "gb18030", "it is gb18030"),
        ("gb18030", "utf-8", "it is utf-8"),
        ("gb18030", "utf-8-sig", "it is utf-8"),
        ("iso-8859-1", "utf-8", "it is utf-8"),
        ("cp1252", "utf-16", "it is utf-16"),
        ("utf-8", "utf-16", "it is utf-16"),
        ("utf-16", "gb18030", "it is gb18030"),
    ],
)
def test_a_wrong_claim_of_encoding_is_told(tmp_path: Path, claimed: Encoding, written: str, said: str) -> None:
    """Names in UTF-8 can mostly be read as GB 18030 or Latin 1: they would come in as nonsense, without any error."""
    path = tmp_path / "members.csv"
    path.write_bytes("phone,name\n1,李梅\n2,王强\n".encode(written))
    with pytest.raises(UnreadableFile, match=said) as raised:
        find_encoding(path, claimed)
    assert raised.value.message_zh is not None and raised.value.message_zh.endswith("。")


@pytest.mark.parametrize("claimed", ["auto", "utf-8", "gb18030", "iso-8859-1", "cp1252"])
def test_what_is_all_ascii_fits_every_claim(tmp_path: Path, claimed: Encoding) -> None:
    """Also where nothing but the claim says what a later file may hold."""
    path = tmp_path / "members.csv"
    path.write_bytes(b"phone,name\n1,Li\n")
    assert find_encoding(path, claimed) == {"auto": "utf-8-sig", "utf-8": "utf-8-sig"}.get(claimed, claimed)


def test_a_latin_file_is_taken_at_its_word(tmp_path: Path) -> None:
    """What is no UTF-8 and bears no mark may be what the mapping says, even if it could be Chinese."""
    path = tmp_path / "members.csv"
    path.write_bytes("name\nZoë Müller\n".encode("cp1252"))
    assert find_encoding(path, "cp1252") == "cp1252"


def test_a_packed_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small packed file whose only line would fill the memory."""
    monkeypatch.setattr("jifen.services.imports.reading.MAXIMUM_PACKED_LINE", 1_000_000)
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"x" * 2_000_000))
    rows = read_rows(path, FileShape(), "utf-8")
    assert next(rows) == (1, ["a", "b"])
    with pytest.raises(UnreadableFile, match="more than 1000000"):
        next(rows)
