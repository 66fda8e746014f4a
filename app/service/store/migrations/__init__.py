"""How a store of an older version becomes one of this: numbered steps, one file each, taken by alembic.

A step is a file `step_0002_what_it_does.py` beside this one:

    revision, down_revision = "0002", "0001"

    def upgrade() -> None:
        op.add_column("profiles", sa.Column("language", sa.String(20)))

What it needs it says itself (columns, texts): it must do the same in years, so it imports neither the layout nor
anything else that will change. SQLite alters little: `with op.batch_alter_table("profiles") as table` does the rest.
One that rewrites what is stored uses `rewrite_events`. Then layout.py gets the new tables and VERSION the new number; a
test holds the steps and the layout against each other. There is no way down: an older program refuses the store.

All steps that are due are taken in one transaction, so a kill in the middle leaves the store as it was.
"""

import logging
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, String, column, select, table, update

from app.service.store.layout import RevisionRow

__all__ = ["FOLDER", "Event", "rewrite_events", "upgrade"]

FOLDER = Path(__file__).parent
_BATCH = 500  # messages in memory at a time
_log = logging.getLogger(__name__)
Event = dict[str, Any]
"""One event of a turn as JSON; `kind` says which."""


def upgrade(connection: Connection, held: int) -> int:
    """Take the steps that a store of version `held` still needs, in the transaction of `connection`, and note in the
    store where it stands; 0: there is nothing in it yet. Returns the version that it has then.
    """
    # Here, not above: alembic takes longer to import than a store that is up to date takes to open.
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])
    context = MigrationContext.configure(connection, opts={"version_table": RevisionRow.__tablename__})
    due = list(script.iterate_revisions("head", f"{held:04d}" if held else "base"))
    with Operations.context(context):
        for step in reversed(due):
            if held:
                _log.info("the store goes from %s to %s: %s", step.down_revision, step.revision, step.doc)
            step.module.upgrade()
    context.stamp(script, "head")
    head = int(script.get_current_head() or 0)
    # Programs from before there were steps look here, and must refuse what they do not know.
    connection.execute(update(table("store_version", column("version"))).values(version=head))
    return head


def rewrite_events(connection: Connection, change: Callable[[list[Event]], list[Event]]) -> int:
    """Give every message the events that `change` makes of its own; how many messages that changed.

    `change` gets a copy, so it may alter what it is given. Messages it leaves alone are not written.
    """
    messages = table("messages", column("id", String), column("events", JSON))
    changed, last = 0, ""
    while True:
        batch = connection.execute(
            select(messages).where(messages.c.id > last).order_by(messages.c.id).limit(_BATCH)
        ).all()
        if not batch:
            return changed
        for row in batch:
            events = change(deepcopy(row.events))
            if events != row.events:
                connection.execute(update(messages).where(messages.c.id == row.id).values(events=events))
                changed += 1
        last = batch[-1].id
