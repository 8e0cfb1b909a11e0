"""The one schema of twin stores in SQL, and what turns a store of each older version into one of the next."""

from __future__ import annotations

COLUMNS = "thing, revision, slot, observed_at, stored_at, document"


def migrations(*, text: str, integer: str, real: str, blob: str, options: str = "") -> tuple[str, ...]:
    """Statements that lead from each version to the next, the first ones from nothing to version 1.

    text, integer, real, blob: a database's types of text that sorts by its bytes, a 64-bit integer, a double, bytes.
    options: of a small table.
    """
    return (
        f"""
        CREATE TABLE revisions (
            thing {text} NOT NULL, revision {integer} NOT NULL, slot {integer} NOT NULL,
            observed_at {real} NOT NULL, stored_at {real} NOT NULL, document {blob} NOT NULL,
            PRIMARY KEY (thing, revision)
        );
        """,
        f"""
        CREATE TABLE twins (thing {text} PRIMARY KEY, revision {integer} NOT NULL) {options};
        INSERT INTO twins SELECT thing, max(revision) FROM revisions GROUP BY thing;
        """,
    )


# All but the newest so many revisions of each twin; the number of revisions to keep is the statement's parameter.
PRUNE = (
    "DELETE FROM revisions WHERE (thing, revision) IN (SELECT thing, revision FROM (SELECT thing, revision, "
    "row_number() OVER (PARTITION BY thing ORDER BY revision DESC) AS place FROM revisions) AS placed WHERE place > {})"
)
