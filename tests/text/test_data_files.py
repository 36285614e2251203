"""Data files: the C parser and the Python parser, which PyYAML uses without libyaml, read the same from them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import scai_cli

ROOT = Path(scai_cli.__file__).parent
FILES = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*.yaml"))


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML has no C parser")
@pytest.mark.parametrize("name", FILES)
def test_the_python_parser_reads_a_data_file_as_the_c_parser_does(name):
    text = (ROOT / name).read_text("utf-8")
    assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, yaml.CSafeLoader)
