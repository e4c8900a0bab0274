"""All or nothing."""

import pytest

from sknets.estimators._transaction import transaction


class Thing:
    pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_attributes_come_back(error):
    thing, undone = Thing(), []
    thing.kept = 1
    with pytest.raises(error), transaction(thing, lambda: undone.append(True)):
        thing.kept, thing.new = 2, 3
        raise error
    assert vars(thing) == {"kept": 1}
    assert undone == [True]


def test_what_succeeds_stays():
    thing = Thing()
    with transaction(thing, lambda: pytest.fail("nothing to undo")):
        thing.new = 1
    assert thing.new == 1
