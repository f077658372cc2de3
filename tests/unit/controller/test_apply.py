from typing import get_args

from multihome.controller.apply import _FOLDS
from multihome.controller.apply_contracts import CONTRACT_FOLDS
from multihome.controller.apply_work import WORK_FOLDS
from multihome.domain.events import Event


def test_every_event_is_folded_by_one_function() -> None:
    assert set(_FOLDS) == set(get_args(Event))
    assert not WORK_FOLDS.keys() & CONTRACT_FOLDS.keys()
    assert all(_FOLDS[event] is fold for event, fold in (WORK_FOLDS | CONTRACT_FOLDS).items())
