"""The human page of the API, made from the OpenAPI document: one static page a language, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any, Literal

import msgspec

from jifen.api.problems import PROBLEMS

Language = Literal["zh", "en"]
Document = dict[str, Any]

_WORDS = {
    "title": {"zh": "jifen 积分 · 接口文档", "en": "jifen · API"},
    "intro": {
        "zh": "所有请求使用 Bearer 密钥（用 jifen keys create 创建）。"
        "写操作可带 Idempotency-Key；同一键与内容重复发送得到第一次的结果。",
        "en": "Every call sends a Bearer key (jifen keys create makes one). Writes take an Idempotency-Key: "
        "the same key and content sent again gives the first answer again.",
    },
    "write": {"zh": "写入", "en": "Writing"},
    "read": {"zh": "查询", "en": "Reading"},
    "service": {"zh": "运行", "en": "Service"},
    "parameters": {"zh": "参数", "en": "Parameters"},
    "body": {"zh": "请求体", "en": "Body"},
    "answers": {"zh": "响应", "en": "Answers"},
    "errors": {"zh": "错误代码", "en": "Error codes"},
    "types": {"zh": "数据类型", "en": "Types"},
    "required": {"zh": "必填", "en": "required"},
    "code": {"zh": "代码", "en": "code"},
    "meaning": {"zh": "含义", "en": "meaning"},
    "field": {"zh": "字段", "en": "field"},
    "type": {"zh": "类型", "en": "type"},
    "schema": {"zh": "OpenAPI 3.1 文档（JSON）", "en": "OpenAPI 3.1 document (JSON)"},
}

STYLE = b"""
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b4530a; }
body { font: 16px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; margin: 0 auto;
       max-width: 60rem; padding: 1.5rem; }
header { display: flex; justify-content: space-between; align-items: baseline; flex-wrap: wrap; gap: 1rem; }
a { color: var(--accent); }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; padding: .5rem .9rem; }
summary { cursor: pointer; }
summary code { margin: 0 .5rem; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 3.2rem; font-weight: 700; color: var(--accent); }
pre { background: var(--soft); padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
:target { outline: 2px solid var(--accent); }
"""


def docs_page(document: Document, language: Language) -> bytes:
    """The page in one language, as UTF-8."""
    groups: dict[str, list[str]] = {"write": [], "read": [], "service": []}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_operation(method, path, operation, language))
    sections = [f"<h2>{_word(tag, language)}</h2>" + "".join(parts) for tag, parts in groups.items()]
    other = "en" if language == "zh" else "zh"
    switch = "English" if other == "en" else "中文"
    page = f"""<!doctype html>
<html lang="{"zh-CN" if language == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_word("title", language)}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><h1>{_word("title", language)}</h1><nav><a href="?lang={other}" lang="{other}">{switch}</a></nav></header>
<p>{_word("intro", language)}</p>
<p><a href="/schema">{_word("schema", language)}</a> · {escape(document["info"]["version"])}</p>
{"".join(sections)}
<h2>{_word("types", language)}</h2>
{"".join(_type(name, each, language) for name, each in document["components"]["schemas"].items())}
<h2>{_word("errors", language)}</h2>
{_errors(language)}
</body>
</html>
"""
    return page.encode()


def _word(name: str, language: Language) -> str:
    return escape(_WORDS[name][language])


def _operation(method: str, path: str, operation: Document, language: Language) -> str:
    summary = operation["x-summary-zh"] if language == "zh" else operation["summary"]
    parts = [
        f'<details id="{escape(operation["operationId"])}"><summary><span class="method">{method.upper()}</span>'
        f"<code>{escape(path)}</code>{escape(summary)}</summary>"
    ]
    if description := operation.get("description"):
        parts.append(f"<p>{_prose(description)}</p>")
    if parameters := operation.get("parameters"):
        parts.append(f"<h4>{_word('parameters', language)}</h4>" + _parameters(parameters, language))
    if body := operation.get("requestBody"):
        parts.append(f"<h4>{_word('body', language)}</h4>" + _content(body["content"], language))
    parts.append(f"<h4>{_word('answers', language)}</h4>")
    for status, answer in operation["responses"].items():
        parts.append(f"<p><b>{escape(status)}</b> {_prose(answer['description'])}</p>")
        if status.startswith("2"):
            parts.append(_content(answer["content"], language))
    return "".join([*parts, "</details>"])


def _parameters(parameters: list[Document], language: Language) -> str:
    rows = [
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td><td>{_kind(each['schema'])}</td>"
        f"<td>{_word('required', language) if each['required'] else ''}</td>"
        f"<td>{_prose(each.get('description', ''))}</td></tr>"
        for each in parameters
    ]
    return f"<table>{''.join(rows)}</table>"


def _content(content: Document, language: Language) -> str:
    shown: dict[str, None] = {}
    for media in content.values():
        schema = media["schema"]
        shown[f"<p>{_kind(schema)}</p>" if "properties" not in schema else _fields(schema, language)] = None
        examples = [each["value"] for each in media.get("examples", {}).values()]
        for example in [*examples, *([media["example"]] if "example" in media else [])]:
            text = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
            shown[f"<pre>{escape(text)}</pre>"] = None
    return "".join(shown)


def _type(name: str, schema: Document, language: Language) -> str:
    description = _prose(schema.get("description", ""))
    return (
        f'<details id="type-{escape(name)}"><summary><code>{escape(name)}</code></summary><p>{description}</p>'
        f"{_fields(schema, language)}</details>"
    )


def _fields(schema: Document, language: Language) -> str:
    required = schema.get("required", ())
    rows = [
        f"<tr><td><code>{escape(field)}</code></td><td>{_kind(each)}</td>"
        f"<td>{_word('required', language) if field in required else ''}</td></tr>"
        for field, each in schema.get("properties", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _kind(schema: Document) -> str:
    """A schema in a few words, with links to the types it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"[ {_kind(schema.get('items', {}))} ]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{ …: {_kind(schema['additionalProperties'])} }}"
    name = escape(str(schema.get("format") or schema.get("type") or "…"))
    least, most = schema.get("minimum"), schema.get("maximum")
    limits = (
        f" {'' if least is None else least} … {'' if most is None else most}" if (least, most) != (None, None) else ""
    )
    return name + limits


def _prose(text: str) -> str:
    """Escaped text with `words` in the type of code."""
    pieces = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _errors(language: Language) -> str:
    rows = [
        f'<tr id="error-{code}"><td><code>{code}</code></td><td>{kind.status}</td>'
        f"<td>{escape(kind.title_zh if language == 'zh' else kind.title)}</td></tr>"
        for code, kind in PROBLEMS.items()
    ]
    return (
        f"<table><tr><th>{_word('code', language)}</th><th>HTTP</th><th>{_word('meaning', language)}</th></tr>"
        f"{''.join(rows)}</table>"
    )
