"""`jifen import members` of large files, as the command does it from its start to its end."""

from __future__ import annotations

from pathlib import Path

from bench.loads import Run, verified
from bench.results import Result
from bench.server import run_command
from bench.workbooks import write_members

MEMBERS = 100_000
#: As many rows as a sheet can have below its header: 240 MB.
LARGE_MEMBERS = (1 << 20) - 1
MB = 1 << 20
_MAPPING = """
name: {zh: 测速, en: Benchmark}
source: import:bench
columns:
  identities: {phone: 手机号, external: 会员编号}
  name: 姓名
  gender: 性别
  birthday: 生日
  registered_at: 注册时间
  city: 城市
  tags: 标签
"""


def import_members(run: Run) -> Result:
    """100,000 members of eight columns by `jifen import members`, the start of the command included."""
    file = run.folder / "members.csv"
    _write(file)
    return _imported(run, file, MEMBERS, "bench_members")


def import_workbook(run: Run) -> Result:
    """The same from an Excel workbook of nine columns; --large: one of more than 200 MB, the longest that there is."""
    members = LARGE_MEMBERS if run.is_large else MEMBERS
    file = run.folder / "members.xlsx"
    write_members(file, members)
    result = _imported(run, file, members, "bench_workbook")
    result.details["file_mb"] = file.stat().st_size / MB
    file.unlink()
    return result


def _imported(run: Run, file: Path, members: int, database: str) -> Result:
    url = run.ground.create(database)
    run_command("init", "--program", "demo", "--url", url)
    mapping = run.folder / "members.yaml"
    mapping.write_text(_MAPPING, "utf-8")
    outcome = run_command("import", "members", str(file), "--mapping", str(mapping), "--url", url)
    registered, rejected = outcome.answer["registered"], outcome.answer["rejected"]
    faults = []
    if (registered, rejected) != (members, 0):
        faults.append(f"{registered} members were registered, not {members}; rejected: {rejected}")
    details: dict[str, object] = {"seconds": outcome.seconds, "peak_mb": outcome.peak_bytes / MB}
    result = Result(unit="members from a file", rate=members / outcome.seconds, details=details, faults=faults)
    return verified(result, run, database)


def _write(file: Path) -> None:
    with file.open("w", encoding="gb18030") as target:
        target.write("会员编号,手机号,姓名,性别,生日,注册时间,标签,城市\n")
        for each in range(MEMBERS):
            day = f"{1 + each % 28:02}"
            target.write(
                f"M{each},139{each:08},会员{each},{'男女'[each % 2]},19{50 + each % 50}-05-{day},"
                f"2021-03-{day} 10:00,茶友，老客,杭州\n"
            )
