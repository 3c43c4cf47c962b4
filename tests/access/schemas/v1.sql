PRAGMA application_id = 1380533040;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "audit" VALUES(1,'2026-01-02T03:04:05.678900+00:00','change','member.added','ann','ed25519:36d959b5c566ce61bd22cf05e55e8f36b4249de4659500c198d6b2154ff38a1c',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "audit" VALUES(2,'2026-01-02T03:04:05.678900+00:00','change','member.added','ann','ed25519:d2c85f7e252e98482ba96c65b731d4b7c81401f13803a5147ba3a181a31d9f93',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "audit" VALUES(3,'2026-01-02T03:04:05.678900+00:00','change','member.added','ann','ed25519:20f3a117cf5e3232c5476d8c09a5e566351b4d07fab9ea2723bb947e721af2f1',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "audit" VALUES(4,'2026-01-02T03:04:05.678900+00:00','change','member.removed','ann','ed25519:20f3a117cf5e3232c5476d8c09a5e566351b4d07fab9ea2723bb947e721af2f1',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "audit" VALUES(5,'2026-01-02T03:04:05.678900+00:00','change','user.banned','ann','ed25519:50912722bd34952f42ece57fc164a4fd3760efad3ba0b12e8a259967fc1f7a3f',NULL,NULL,NULL,NULL,'for good: spam');
INSERT INTO "audit" VALUES(6,'2026-01-02T03:04:05.678900+00:00','change','user.banned','ann','ed25519:d0fe4d96c6abb10269b215071c4c1fe136b04922ca95d57ba4efaff13a820453',NULL,NULL,NULL,NULL,'until 2026-01-03 03:04:05Z, silently');
INSERT INTO "audit" VALUES(7,'2026-01-02T03:04:05.678900+00:00','change','client.allowed','ann',NULL,NULL,NULL,NULL,NULL,'''OldApp'', all versions');
INSERT INTO "audit" VALUES(8,'2026-01-02T03:04:05.678900+00:00','change','client.denied','ann',NULL,NULL,NULL,NULL,NULL,'''OldApp'', from 1.0.0-beta below 2.0.0: upgrade');
INSERT INTO "audit" VALUES(9,'2026-01-02T03:04:05.678900+00:00','change','client.default','ann',NULL,NULL,NULL,NULL,NULL,'allow');
INSERT INTO "audit" VALUES(10,'2026-01-02T03:04:05.678900+00:00','change','token.created','ann',NULL,NULL,NULL,NULL,NULL,'token 1, good for 2 users, until 2026-01-03 03:04:05Z: for all');
INSERT INTO "audit" VALUES(11,'2026-01-02T03:04:05.678900+00:00','change','token.created','ann',NULL,NULL,NULL,NULL,NULL,'token 2, good for 1 user');
INSERT INTO "audit" VALUES(12,'2026-01-02T03:04:05.678900+00:00','change','token.revoked','ann',NULL,NULL,NULL,NULL,NULL,'token 2');
INSERT INTO "audit" VALUES(13,'2026-01-02T03:04:05.678900+00:00','session','left','server','ed25519:36d959b5c566ce61bd22cf05e55e8f36b4249de4659500c198d6b2154ff38a1c','Zoë','client 0.9.1-beta','192.0.2.1',NULL,'said: bye');
INSERT INTO "audit" VALUES(14,'2026-01-02T03:04:05.678900+00:00','session','admitted','server','ed25519:36d959b5c566ce61bd22cf05e55e8f36b4249de4659500c198d6b2154ff38a1c','Zoë','client 0.9.1-beta','192.0.2.1',NULL,'a member');
INSERT INTO "audit" VALUES(15,'2026-01-02T03:04:05.678900+00:00','refusal','refused','server','ed25519:50912722bd34952f42ece57fc164a4fd3760efad3ba0b12e8a259967fc1f7a3f','Zoë','client 0.9.1-beta','192.0.2.1','disallowed_user','banned by ann for good: spam');
INSERT INTO "audit" VALUES(16,'2026-01-02T03:04:05.678900+00:00','session','admitted','server','ed25519:0eb21d83d996bbb3f0a5eb3792c423f0c4673e82c6c7e18c277703cbc20fca85','Zoë','client 0.9.1-beta','192.0.2.1',NULL,'the token 1 is valid, and makes them a member');
INSERT INTO "audit" VALUES(17,'2026-01-02T03:04:05.678900+00:00','session','admitted','server','ed25519:53980617462c4babcc2d7bd9c45dd08941de4bd5f7f8535d0b373c8c07cd34f2','Zoë','client 0.9.1-beta','192.0.2.1',NULL,'the token 1 is valid, and makes them a member');
CREATE TABLE ban (
    user TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    is_silent INTEGER NOT NULL CHECK (is_silent IN (0, 1)),
    since TEXT NOT NULL,
    until TEXT,
    made_by TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "ban" VALUES('ed25519:50912722bd34952f42ece57fc164a4fd3760efad3ba0b12e8a259967fc1f7a3f','spam',0,'2026-01-02T03:04:05.678900+00:00',NULL,'ann');
INSERT INTO "ban" VALUES('ed25519:d0fe4d96c6abb10269b215071c4c1fe136b04922ca95d57ba4efaff13a820453','',1,'2026-01-02T03:04:05.678900+00:00','2026-01-03T03:04:05.678900+00:00','ann');
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
INSERT INTO "client_rule" VALUES(1,'OldApp','allow',NULL,NULL,'','2026-01-02T03:04:05.678900+00:00','ann');
INSERT INTO "client_rule" VALUES(2,'OldApp','deny','1.0.0-beta','2.0.0','upgrade','2026-01-02T03:04:05.678900+00:00','ann');
CREATE TABLE member (
    user TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    since TEXT NOT NULL,
    made_by TEXT NOT NULL,
    token INTEGER REFERENCES token (id),
    seen TEXT
) WITHOUT ROWID;
INSERT INTO "member" VALUES('ed25519:0eb21d83d996bbb3f0a5eb3792c423f0c4673e82c6c7e18c277703cbc20fca85','Zoë','2026-01-02T03:04:05.678900+00:00','token',1,'2026-01-02T03:04:05.678900+00:00');
INSERT INTO "member" VALUES('ed25519:36d959b5c566ce61bd22cf05e55e8f36b4249de4659500c198d6b2154ff38a1c','Zoë','2026-01-02T03:04:05.678900+00:00','ann',NULL,'2026-01-02T03:04:05.678900+00:00');
INSERT INTO "member" VALUES('ed25519:53980617462c4babcc2d7bd9c45dd08941de4bd5f7f8535d0b373c8c07cd34f2','Zoë','2026-01-02T03:04:05.678900+00:00','token',1,'2026-01-02T03:04:05.678900+00:00');
INSERT INTO "member" VALUES('ed25519:d2c85f7e252e98482ba96c65b731d4b7c81401f13803a5147ba3a181a31d9f93',NULL,'2026-01-02T03:04:05.678900+00:00','ann',NULL,NULL);
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "setting" VALUES('client_default','allow');
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
INSERT INTO "token" VALUES(1,X'A0DA65308F3271DFB5B116F99E21241E83A343ADFC0E2FB660A22B5706FDD95B','for all',2,2,'2026-01-02T03:04:05.678900+00:00','ann','2026-01-03T03:04:05.678900+00:00',NULL);
INSERT INTO "token" VALUES(2,X'F175A4AF62C3461490111E43D0103B78734BB678EC8B0A7824024CCA229DFA14','',1,0,'2026-01-02T03:04:05.678900+00:00','ann',NULL,'2026-01-02T03:04:05.678900+00:00');
CREATE TABLE token_use (
    id INTEGER PRIMARY KEY,
    token INTEGER NOT NULL REFERENCES token (id),
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    at TEXT NOT NULL
);
INSERT INTO "token_use" VALUES(1,1,'ed25519:0eb21d83d996bbb3f0a5eb3792c423f0c4673e82c6c7e18c277703cbc20fca85','Zoë','2026-01-02T03:04:05.678900+00:00');
INSERT INTO "token_use" VALUES(2,1,'ed25519:53980617462c4babcc2d7bd9c45dd08941de4bd5f7f8535d0b373c8c07cd34f2','Zoë','2026-01-02T03:04:05.678900+00:00');
CREATE INDEX token_use_by_token ON token_use (token);
CREATE INDEX token_use_by_user ON token_use (user);
CREATE INDEX client_rule_by_name ON client_rule (name);
CREATE INDEX audit_by_topic ON audit (topic, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_user ON audit (user) WHERE user IS NOT NULL
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',17);
INSERT INTO "sqlite_sequence" VALUES('client_rule',2);
INSERT INTO "sqlite_sequence" VALUES('token',2);
COMMIT;
