"""Values in a file: written whole or not at all, and read without a line of it being run."""

from sknets.storage._archive import check_zip, pack, unpack
from sknets.storage._arrays import Arrays, arrays_from_bytes, import_safetensors
from sknets.storage._atomic import write_whole
from sknets.storage._error import ContentError
from sknets.storage._json import TreeReader, TreeWriter, dump_json, parse_json

__all__ = [
    "Arrays",
    "ContentError",
    "TreeReader",
    "TreeWriter",
    "arrays_from_bytes",
    "check_zip",
    "dump_json",
    "import_safetensors",
    "pack",
    "parse_json",
    "unpack",
    "write_whole",
]
