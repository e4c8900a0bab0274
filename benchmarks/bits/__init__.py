"""Small fits whose results no refactoring may move; see ``same_bits.py``."""

from bits._forecasts import FORECASTS
from bits._images import IMAGE_FITS
from bits._inspection import INSPECTED
from bits._lives import LIVES
from bits._searches import SEARCHES
from bits._sequences import SEQUENCE_FITS
from bits._tables import TABLE_FITS
from bits._training import TRAINING

_TABLES = (
    TRAINING,
    TABLE_FITS,
    IMAGE_FITS,
    SEQUENCE_FITS,
    FORECASTS,
    LIVES,
    SEARCHES,
    INSPECTED,
)

#: Functions without arguments that return what a user sees, by name.
CASES = {name: case for table in _TABLES for name, case in table.items()}

if len(CASES) < sum(map(len, _TABLES)):
    raise ValueError("Two cases have one name.")
