-- A file of version 2 as a killed pack left it, with an entry and an action in every state.
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE bystanders (channel_ids TEXT NOT NULL);
INSERT INTO "bystanders" VALUES('["CB"]');
CREATE TABLE gaps (
        channel_id TEXT NOT NULL,
        after_at INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        PRIMARY KEY (channel_id, after_at)
    ) WITHOUT ROWID;
INSERT INTO "gaps" VALUES('CA',1772366400123000,1772366460123000);
CREATE TABLE joined (channel_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "joined" VALUES('CA',1772366400123000);
CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL, -- the values of ActionState
        in_hand INTEGER NOT NULL,
        taken_at INTEGER NOT NULL,
        command TEXT NOT NULL,
        outcome TEXT,
        concluded_at INTEGER,
        reason TEXT NOT NULL DEFAULT '',
        uptime INTEGER NOT NULL -- when the action was taken, requeued or reported
    );
INSERT INTO "journal" VALUES(1,'taken','taken',1,1772366400123000,'{"type":"Broadcast","message":"hello"}',NULL,NULL,'',1);
INSERT INTO "journal" VALUES(2,'planned','executing',1,1772366400123000,'{"type":"Broadcast","message":"hello"}',NULL,NULL,'',1);
INSERT INTO "journal" VALUES(3,'completed','concluded',1,1772366400123000,'{"type":"Broadcast","message":"hello"}','{"type":"BroadcastSent","message":"hello","channel_ids":["CA"],"in_doubt":false}',1772366400123000,'',1);
INSERT INTO "journal" VALUES(4,'x','finished',0,1772366400123000,'{"type":"Broadcast","message":"hello"}','{"type":"BroadcastSent","message":"hello","channel_ids":["CA"],"in_doubt":false}',1772366400123000,'',1);
INSERT INTO "journal" VALUES(5,'y','set aside',0,1772366400123000,'{"type":"Broadcast","message":"hello"}','{"type":"BroadcastSent","message":"hello","channel_ids":["CA"],"in_doubt":false}',1772366400123000,'the engine said 500',1);
CREATE TABLE lanes (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        priority INTEGER NOT NULL,
        head INTEGER, -- the place of the first entry that waits
        head_at INTEGER, -- its uptime
        claimed_to INTEGER, -- the place of the last entry claimed
        lease_until INTEGER, -- an uptime; set while claimed
        not_before INTEGER, -- an uptime; set while paused
        is_interrupted INTEGER NOT NULL DEFAULT 0,
        heard_until INTEGER, -- when the latest message was written
        uptime INTEGER NOT NULL DEFAULT 0 -- of its latest new entry
    );
INSERT INTO "lanes" VALUES(1,'CC',0,NULL,NULL,NULL,NULL,NULL,0,1700000000000005,1);
INSERT INTO "lanes" VALUES(2,'CA',0,3,1,3,62000001,NULL,0,1700000000000002,1);
INSERT INTO "lanes" VALUES(3,'CB',0,5,1,NULL,NULL,9000001,0,1700000000000003,1);
CREATE TABLE message_keys (
        channel_id TEXT NOT NULL,
        key TEXT NOT NULL,
        timestamp TEXT NOT NULL, -- of the message; empty while the key is only reserved
        reserved_since INTEGER,
        uptime INTEGER NOT NULL, -- of its latest use
        PRIMARY KEY (channel_id, key)
    ) WITHOUT ROWID;
INSERT INTO "message_keys" VALUES('CA','deploy','1700000000.000100',NULL,1);
CREATE TABLE outbox (
        place INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        lane INTEGER NOT NULL REFERENCES lanes,
        kind TEXT NOT NULL, -- the values of EventKind
        state TEXT NOT NULL, -- waiting, set aside, done
        received_at INTEGER NOT NULL,
        is_backfilled INTEGER NOT NULL,
        said TEXT NOT NULL, -- the event
        refusals INTEGER NOT NULL DEFAULT 0,
        first_refused_at INTEGER,
        refused_uptime INTEGER, -- of the first refusal
        reason TEXT NOT NULL DEFAULT '',
        uptime INTEGER NOT NULL -- when the entry began to wait; when it was delivered, once it is
    );
INSERT INTO "outbox" VALUES(1,'CC:1700000000.000004',1,'message','set aside',1772366404123000,0,'{"channel_id":"CC","timestamp":"1700000000.000004","text":"message 4"}',0,NULL,NULL,'the engine said 400',1);
INSERT INTO "outbox" VALUES(2,'CC:1700000000.000005',1,'message','done',1772366405123000,0,'',0,NULL,NULL,'',1);
INSERT INTO "outbox" VALUES(3,'CA:1700000000.000001',2,'message','waiting',1772366401123000,0,'{"channel_id":"CA","timestamp":"1700000000.000001","text":"message 1"}',1,1772366400123000,1,'',1);
INSERT INTO "outbox" VALUES(4,'CA:1700000000.000002',2,'message','waiting',1772366402123000,0,'{"channel_id":"CA","timestamp":"1700000000.000002","text":"message 2"}',0,NULL,NULL,'',1);
INSERT INTO "outbox" VALUES(5,'CB:1700000000.000003',3,'message','waiting',1772366403123000,0,'{"channel_id":"CB","timestamp":"1700000000.000003","text":"message 3"}',1,1772366400123000,1,'',1);
CREATE TABLE paces (channel_id TEXT PRIMARY KEY, used_until INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "paces" VALUES('CA',1772366401123000);
INSERT INTO "paces" VALUES('CB',0);
CREATE TABLE pauses (
        channel_id TEXT PRIMARY KEY, until INTEGER NOT NULL, lasts INTEGER NOT NULL -- microseconds
    ) WITHOUT ROWID;
INSERT INTO "pauses" VALUES('CB',1772366430123000,30000000);
CREATE TABLE steady (at INTEGER NOT NULL);
INSERT INTO "steady" VALUES(1772366400123000);
CREATE TABLE steps (
        action INTEGER NOT NULL REFERENCES journal,
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        begun_at INTEGER,
        result TEXT,
        error TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (action, name)
    ) WITHOUT ROWID;
INSERT INTO "steps" VALUES(2,'CA',0,1772366400123000,'{"type":"Receipt","channel_id":"CA","timestamp":"1700000000.000100","in_doubt":false}','');
INSERT INTO "steps" VALUES(2,'CB',1,1772366402123000,NULL,'not_in_channel: invite the bot');
CREATE TABLE taking (since INTEGER NOT NULL);
INSERT INTO "taking" VALUES(1772366400123000);
CREATE TABLE tallies (kind TEXT, state TEXT, rows INTEGER NOT NULL, PRIMARY KEY (kind, state)) WITHOUT ROWID;
INSERT INTO "tallies" VALUES('journal','concluded',1);
INSERT INTO "tallies" VALUES('journal','executing',1);
INSERT INTO "tallies" VALUES('journal','finished',1);
INSERT INTO "tallies" VALUES('journal','set aside',1);
INSERT INTO "tallies" VALUES('journal','taken',1);
INSERT INTO "tallies" VALUES('outbox','done',1);
INSERT INTO "tallies" VALUES('outbox','set aside',1);
INSERT INTO "tallies" VALUES('outbox','waiting',3);
CREATE TABLE uptime (micros INTEGER NOT NULL);
INSERT INTO "uptime" VALUES(2000001);
CREATE INDEX lanes_ready ON lanes (priority DESC, head_at, head)
        WHERE head IS NOT NULL AND lease_until IS NULL AND not_before IS NULL;
CREATE INDEX lanes_leased ON lanes (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX lanes_paused ON lanes (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX outbox_by_lane ON outbox (lane, place) WHERE state = 'waiting';
CREATE INDEX outbox_by_uptime ON outbox (state, uptime);
CREATE INDEX journal_by_uptime ON journal (uptime) WHERE state IN ('taken', 'executing', 'concluded');
CREATE INDEX journal_orphans ON journal (uptime) WHERE in_hand = 0 AND state IN ('taken', 'executing', 'concluded');
CREATE INDEX journal_dead_letters ON journal (uptime) WHERE state = 'set aside';
CREATE INDEX journal_reported ON journal (uptime) WHERE state = 'finished';
CREATE INDEX message_keys_by_message ON message_keys (channel_id, timestamp);
CREATE INDEX message_keys_by_uptime ON message_keys (uptime);
CREATE TRIGGER steps_go AFTER DELETE ON journal BEGIN DELETE FROM steps WHERE action = OLD.place; END;
CREATE TRIGGER outbox_came AFTER INSERT ON outbox BEGIN INSERT INTO tallies VALUES ('outbox', NEW.state, 1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
CREATE TRIGGER outbox_went AFTER DELETE ON outbox BEGIN INSERT INTO tallies VALUES ('outbox', OLD.state, -1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
CREATE TRIGGER outbox_changed AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state
            BEGIN INSERT INTO tallies VALUES ('outbox', OLD.state, -1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; INSERT INTO tallies VALUES ('outbox', NEW.state, 1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
CREATE TRIGGER journal_came AFTER INSERT ON journal BEGIN INSERT INTO tallies VALUES ('journal', NEW.state, 1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
CREATE TRIGGER journal_went AFTER DELETE ON journal BEGIN INSERT INTO tallies VALUES ('journal', OLD.state, -1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
CREATE TRIGGER journal_changed AFTER UPDATE OF state ON journal WHEN OLD.state <> NEW.state
            BEGIN INSERT INTO tallies VALUES ('journal', OLD.state, -1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; INSERT INTO tallies VALUES ('journal', NEW.state, 1) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows; END;
COMMIT;
