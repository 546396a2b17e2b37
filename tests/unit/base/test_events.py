"""Events and their callers."""

import contextvars
import re
import threading

import pytest

from modelyard.base import events
from modelyard.base.events import Caller, Draft, Kind, caller, local_user, set_caller


def in_own_context(function):
    return contextvars.copy_context().run(function)


def test_kinds_are_wire_words():
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", kind) for kind in Kind)
    assert Kind("stage.assigned") is Kind.STAGE_ASSIGNED
    assert f"{Kind.ALIAS_MOVED}" == "alias.moved"


def test_a_draft_changes_nothing_unless_told():
    draft = Draft(Kind.MODEL_CREATED, "model:churn")
    assert (draft.before, draft.after, draft.comment) == ({}, {}, "")


def test_the_caller_is_this_user_until_an_edge_says_otherwise():
    def scene():
        set_caller(None)
        assert caller() == Caller(local_user(), "")
        set_caller(Caller("ana", "r1"))
        assert caller() == Caller("ana", "r1")

    in_own_context(scene)


def test_a_caller_stays_in_its_context():
    def elsewhere():
        set_caller(Caller("ana"))

    before = caller()
    in_own_context(elsewhere)
    assert caller() == before


def test_another_thread_has_its_own_caller():
    seen = []

    def scene():
        set_caller(Caller("ana"))
        thread = threading.Thread(target=lambda: seen.append(caller()))
        thread.start()
        thread.join()

    in_own_context(scene)
    assert seen == [Caller(local_user())]


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_without_a_name_is_unknown(monkeypatch, error):
    def fail():
        raise error("no name")

    monkeypatch.setattr(events.getpass, "getuser", fail)
    assert local_user() == "unknown"
