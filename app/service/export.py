"""A conversation as a file: Markdown to read, JSON with everything."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from app.events import TRACE, Fallback, ItemShown
from app.service.store import Conversation, Message, Profile
from recommenders.contract import registry

FORMAT = "chatrec conversation 1"


def markdown(conversation: Conversation, profile: Profile, messages: list[Message], saved: Sequence[str] = ()) -> str:
    """The dialogue with its items and their reasons, to read; then the titles that the person saved for later."""
    ranker = f" + {registry.label(conversation.ranker)}" if conversation.ranker else ""
    lines = [
        f"# {conversation.title or 'Conversation'}",
        "",
        f"{_when(conversation.created)} · {profile.name} · {conversation.dataset} · {conversation.backend} · "
        f"{registry.label(conversation.generator)}{ranker}",
        "",
    ]
    for message in messages:
        if not message.current:
            continue
        who = "You" if message.role == "user" else "Recommender"
        ended = {"stopped": " (stopped)", "failed": " (failed)"}.get(message.status, "")
        lines += [f"**{who}**{ended}", ""]
        lines += [f"> The language model was bypassed: {e.why}\n" for e in message.events if isinstance(e, Fallback)]
        lines += _said(message, strong="**")
    if saved:
        lines += ["**Saved for later**", "", *(f"- {title}" for title in saved)]
    return "\n".join(lines).rstrip() + "\n"


def answer_text(message: Message) -> str:
    """One answer as plain text: what it says and its items with their reasons."""
    return "\n".join(_said(message)).rstrip()


def _said(message: Message, strong: str = "") -> list[str]:
    lines = [message.text, ""] if message.text else []
    items = [e for e in message.events if isinstance(e, ItemShown)]
    for item in items:
        year = f" ({item.year})" if item.year else ""
        genres = f" · {', '.join(item.genres)}" if item.genres else ""
        lines.append(f"{item.position}. {strong}{item.title}{strong}{year}{genres}")
        told = [*item.reasons, *([item.standing_out] if item.standing_out else [])]
        lines += [f"   - {reason.text}" for reason in told]
    return [*lines, ""] if items else lines


def as_json(
    conversation: Conversation, profile: Profile, messages: list[Message], saved: Sequence[tuple[str, str]] = ()
) -> str:
    """Everything that is stored, the trace of every turn and what was replaced among it. saved: ids and titles."""
    document = {
        "format": FORMAT,
        "id": conversation.id,
        "title": conversation.title,
        "dataset": conversation.dataset,
        "profile": {"name": profile.name, "user_id": profile.user_id},
        "saved": [{"item_id": item_id, "title": title} for item_id, title in saved],
        "parts": {
            "backend": conversation.backend,
            "generator": conversation.generator,
            "ranker": conversation.ranker,
        },
        "created": _when(conversation.created),
        "updated": _when(conversation.updated),
        "messages": [
            {
                "position": m.position,
                "role": m.role,
                "text": m.text,
                "status": m.status,
                "current": m.current,
                "item_ids": list(m.item_ids),
                "created": _when(m.created),
                "events": TRACE.dump_python(list(m.events), mode="json"),
            }
            for m in messages
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def file_name(conversation: Conversation, extension: str) -> str:
    """The title as a file name: letters, digits and hyphens."""
    plain = "".join(c.lower() if c.isalnum() else "-" for c in conversation.title)
    words = [w for w in plain.split("-") if w]
    return f"{'-'.join(words)[:60] or 'conversation'}.{extension}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
