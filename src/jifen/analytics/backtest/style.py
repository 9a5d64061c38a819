"""The style of the report's page: plain, light, and fit for paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { --ink: #1c2530; --soft: #5d6b7a; --line: #e3e8ee; --recorded: #b4c0cd; --draft: #2563c9; --more: #23875a;
  --less: #c2503c; --paper: #fff; --ground: #f5f7fa; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", "Source Han Sans SC", system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 0 0 10px; }
p { margin: 4px 0; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 12px; margin: 18px 0; }
.tile, .card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.tile b { display: block; font-size: 23px; font-weight: 600; margin: 2px 0; font-variant-numeric: tabular-nums; }
.tile small, .card small { color: var(--soft); font-size: 13px; }
.card { margin: 12px 0; overflow-x: auto; break-inside: avoid; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 12px; }
.two .card { margin: 0; }
.more { color: var(--more); }
.less { color: var(--less); }
.fault { border-color: var(--less); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: 5px 8px; }
td { padding: 5px 8px; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--soft); }
.grid { stroke: var(--line); }
.axis { stroke: var(--recorded); }
rect.recorded, rect.same { fill: var(--recorded); }
rect.draft { fill: var(--draft); }
rect.more { fill: var(--more); }
rect.less { fill: var(--less); }
.legend span.key { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin: 0 5px 0 14px; }
.key.recorded { background: var(--recorded); }
.key.draft { background: var(--draft); }
.choice { position: absolute; opacity: 0; pointer-events: none; }
.switch { float: right; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); overflow: hidden; }
.switch label { display: inline-block; padding: 4px 12px; cursor: pointer; color: var(--soft); }
#choose-zh:checked ~ main label[for="choose-zh"], #choose-en:checked ~ main label[for="choose-en"] {
  background: var(--draft); color: #fff; }
#choose-zh:focus-visible ~ main label[for="choose-zh"], #choose-en:focus-visible ~ main label[for="choose-en"] {
  outline: 2px solid var(--ink); outline-offset: -2px; }
#choose-zh:checked ~ main .en, #choose-en:checked ~ main .zh { display: none; }
@media print { body { background: #fff; font-size: 12px; } .switch { display: none; } main { padding: 0; }
  .tile, .card { border-color: #ccc; } rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
