"""One-line remarks."""

from modelyard.base.notes import collected, note


def test_a_note_goes_to_stderr(capsys, monkeypatch):
    monkeypatch.delenv("MODELYARD_QUIET", raising=False)
    note("saved as tier 2")
    assert capsys.readouterr() == ("", "modelyard: saved as tier 2\n")


def test_it_can_be_silenced(capsys, monkeypatch):
    monkeypatch.setenv("MODELYARD_QUIET", "1")
    note("saved as tier 2")
    assert capsys.readouterr() == ("", "")


def test_a_block_can_collect_them(capsys):
    with collected() as outer:
        note("one")
        with collected() as inner:
            note("two")
        note("three")
    assert (outer, inner) == (["one", "three"], ["two"])
    assert capsys.readouterr() == ("", "")


def test_a_note_does_not_speak_to_the_terminal(capsys, monkeypatch):
    monkeypatch.delenv("MODELYARD_QUIET", raising=False)
    note("the tag \x1b]0;owned\x07\x9b31m is passed over")
    assert capsys.readouterr().err == (
        "modelyard: the tag \ufffd]0;owned\ufffd\ufffd31m is passed over\n"
    )
