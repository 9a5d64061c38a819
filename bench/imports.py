"""`jifen import members` of a large file, as the command does it from its start to its end."""

from __future__ import annotations

from pathlib import Path

from bench.loads import Run, verified
from bench.results import Result
from bench.server import run_command

MEMBERS = 100_000
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
    url = run.ground.create("bench_members")
    run_command("init", "--program", "demo", "--url", url)
    file, mapping = run.folder / "members.csv", run.folder / "members.yaml"
    _write(file)
    mapping.write_text(_MAPPING, "utf-8")
    outcome = run_command("import", "members", str(file), "--mapping", str(mapping), "--url", url)
    registered, rejected = outcome.answer["registered"], outcome.answer["rejected"]
    faults = []
    if (registered, rejected) != (MEMBERS, 0):
        faults.append(f"{registered} members were registered, not {MEMBERS}; rejected: {rejected}")
    result = Result(
        unit="members from a file", rate=MEMBERS / outcome.seconds, details={"seconds": outcome.seconds}, faults=faults
    )
    return verified(result, run, "bench_members")


def _write(file: Path) -> None:
    with file.open("w", encoding="gb18030") as target:
        target.write("会员编号,手机号,姓名,性别,生日,注册时间,标签,城市\n")
        for each in range(MEMBERS):
            day = f"{1 + each % 28:02}"
            target.write(
                f"M{each},139{each:08},会员{each},{'男女'[each % 2]},19{50 + each % 50}-05-{day},"
                f"2021-03-{day} 10:00,茶友，老客,杭州\n"
            )
