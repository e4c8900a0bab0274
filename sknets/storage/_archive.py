"""A zip of parts whose every byte is watched over.

The parts are stored as they are, so that nothing grows when it is read. The comment at the end of the zip
is the SHA-256 of all that stands before it: who packs the parts again, or turns a bit anywhere, is found
out before any of it is looked at.
"""

import hashlib
import io
import zipfile

from sknets.storage._error import ContentError

_SEAL = b"sknets sha256 "
_DIGITS = 64

#: The day that a zip counts from: files that are equal are equal to the byte.
_DAY = (1980, 1, 1, 0, 0, 0)


def pack(parts):
    """Return a zip of parts as bytes.

    Parameters
    ----------
    parts : dict of bytes
        Content by name, in the order of the file.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), content)
        archive.comment = _SEAL + b"0" * _DIGITS
    body = buffer.getbuffer()[:-_DIGITS]
    return bytes(body) + hashlib.sha256(body).hexdigest().encode()


def unpack(data, first):
    """Return the parts of what `pack` made.

    Parameters
    ----------
    data : bytes
        The file.
    first : str
        Name of its first part.

    Raises
    ------
    ContentError
        If it was made by something else, or is damaged.
    """
    parts = None
    is_sealed = data[-_DIGITS - len(_SEAL) : -_DIGITS] == _SEAL
    if is_sealed and data[-_DIGITS:] == hashlib.sha256(data[:-_DIGITS]).hexdigest().encode():
        parts = check_zip(data)
    if parts and next(iter(parts)) == first:
        return parts
    if is_sealed or first.encode() in data[:100]:
        raise ContentError(
            "is damaged: its checksum is not that of its content. Take another copy of it, or write it "
            "again"
        )
    raise ContentError("is no file of sknets")


def check_zip(data):
    """Return the parts of a zip that are stored as they are, one by one.

    Raises
    ------
    ContentError
        If it is no such zip: it may grow when it is read, or hold a part twice.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1 for e in entries):
                raise ContentError("holds parts that are compressed or encrypted")
            if sum(entry.file_size for entry in entries) > len(data):
                raise ContentError("holds parts that overlap")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ContentError("holds two parts of one name")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ContentError(f"is no zip that can be read ({error})") from error
