"""The tables, version by version: `SCHEMA[n]` leads from version n to n + 1. A version that was released never changes.

Moments are RFC 3339 text in UTC with microseconds, so that they sort; users are fingerprints.
"""

from typing import Final

APPLICATION_ID: Final = 0x52494330
"""Marks the file as ours: "RIC0"."""

_VERSION_1 = """
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    note TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses >= 1),
    used INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    since TEXT NOT NULL,
    made_by TEXT NOT NULL,
    expires TEXT,
    revoked TEXT
);
CREATE TABLE token_use (
    id INTEGER PRIMARY KEY,
    token INTEGER NOT NULL REFERENCES token (id),
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX token_use_by_token ON token_use (token);
CREATE INDEX token_use_by_user ON token_use (user);
CREATE TABLE member (
    user TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    since TEXT NOT NULL,
    made_by TEXT NOT NULL,
    token INTEGER REFERENCES token (id),
    seen TEXT
) WITHOUT ROWID;
CREATE TABLE ban (
    user TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    is_silent INTEGER NOT NULL CHECK (is_silent IN (0, 1)),
    since TEXT NOT NULL,
    until TEXT,
    made_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE client_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    ruling TEXT NOT NULL CHECK (ruling IN ('allow', 'deny')),
    at_least TEXT,
    below TEXT,
    reason TEXT NOT NULL,
    since TEXT NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX client_rule_by_name ON client_rule (name);
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    topic TEXT NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    user TEXT,
    name TEXT,
    client TEXT,
    peer TEXT,
    status TEXT,
    detail TEXT
);
CREATE INDEX audit_by_topic ON audit (topic, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_user ON audit (user) WHERE user IS NOT NULL
"""

SCHEMA: Final = (_VERSION_1,)
