"""Traces that earlier versions stored still open."""

from app.events import TRACE, Done, Token


def test_kinds_that_are_gone_are_left_out() -> None:
    stored = [
        {"kind": "token", "text": "Hm", "seconds": 0.0},
        {"kind": "replaced", "text": "Here are two.", "seconds": 0.0},
        {"kind": "done", "status": "done", "reply": "Here are two.", "item_ids": ["1"]},
    ]
    events = TRACE.validate_python(stored)
    assert events == [Token(text="Hm"), Done(reply="Here are two.", item_ids=["1"])]
    assert [e["kind"] for e in TRACE.dump_python(events, mode="json")] == ["token", "done"]
