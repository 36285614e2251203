"""Turn a pydantic model's fields into rows of a table: names, types in words, defaults, docstrings."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from _generator.tables import cell, code

Schema = Mapping[str, Any]
Link = Callable[[str], str]
"""A model's name -> its name in a type."""


def fields(model: type[BaseModel], link: Link, *, leave_out: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """Return one row per field: name, type, default, docstring."""
    schema = model.model_json_schema(by_alias=True)
    texts = docstrings(model)
    descriptions = {field.alias or name: texts.get(name, "") for name, field in model.model_fields.items()}
    for name, field in schema["properties"].items():
        if name not in leave_out:
            required = name in schema.get("required", ())
            yield [code(name), words(field, link), default(field, required), cell(descriptions[name])]


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings below a model's fields, or those of a base class.

    Pydantic could keep them in the models (`use_attribute_docstrings`), but then every command would read its sources.
    """
    texts: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
            assert isinstance(definition, ast.ClassDef)
            for field, text in pairwise(definition.body):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(docstring))):
                        texts[name] = inspect.cleandoc(docstring)
    return texts


def default(field: Schema, required: bool) -> str:
    """Return a field's default in YAML; nested ones are described under their own heading."""
    value = field.get("default")
    if required:
        return "required"
    if isinstance(value, dict) and value:
        return ""
    return code(json.dumps(value, ensure_ascii=False)) if "default" in field else ""


def words(schema: Schema, link: Link) -> str:
    """Return a type in words."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(words(option, link) for option in schema[several]))
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"])
    return _of_type(schema, link)


def _of_type(schema: Schema, link: Link) -> str:
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + _bounds(schema)
    if kind == "array":
        if "prefixItems" in schema:
            return "[" + ", ".join(words(item, link) for item in schema["prefixItems"]) + "]"
        return f"list of {words(schema.get('items', {}), link)}"
    if kind == "object":
        inner = schema.get("additionalProperties", {})
        return f"mapping to {words(inner, link)}" if inner and inner is not True else "mapping"
    return {"string": "text", "boolean": "true or false", "null": "null"}.get(str(kind), "anything")


def _bounds(schema: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema and abs(schema[key]) < 2**53]
    return f" {' and '.join(told)}" if told else ""
