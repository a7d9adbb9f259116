PRAGMA user_version = 0;
BEGIN TRANSACTION;
CREATE TABLE early (
        provider TEXT NOT NULL, ref TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL,
        reason TEXT NOT NULL, at_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL,
        UNIQUE (provider, ref, status));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "facts" VALUES('id','1b36965925bc8560');
CREATE TABLE strays (
        id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, channel TEXT NOT NULL,
        provider TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        at_ms INTEGER NOT NULL);
CREATE TABLE touches (
    touch_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'intended', 'revoked', 'known')),
    user_id TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL DEFAULT '',
    provider TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL,
    strength INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    ref TEXT NOT NULL DEFAULT '',
    mark TEXT,
    begun_ms INTEGER NOT NULL DEFAULT 0,
    at_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL DEFAULT 0,
    is_reported INTEGER NOT NULL DEFAULT 0,
    is_revoked INTEGER NOT NULL DEFAULT 0,
    is_erased INTEGER NOT NULL DEFAULT 0,
    ask_ms INTEGER,
    asked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
;
INSERT INTO "touches" VALUES('t0','intended','user-0','sms','postbox','unknown',0,'','','',NULL,0,0,9,0,0,0,NULL,0);
INSERT INTO "touches" VALUES('t1','known','user-1','sms','postbox','sent',5,'','','ref-1','aa5b5cf081ccad9fdb6046e183bdfe78',1,11,10,0,0,0,50,0);
INSERT INTO "touches" VALUES('t2','known','user-2','sms','postbox','delivered',8,'','','',NULL,2,12,11,1,0,0,NULL,0);
INSERT INTO "touches" VALUES('t3','known','user-3','sms','postbox','failed',7,'hard','no_address','',NULL,3,13,12,0,0,1,NULL,0);
INSERT INTO "touches" VALUES('t4','intended','user-4','sms','postbox','unknown',0,'','','',NULL,4,4,13,0,1,0,NULL,0);
INSERT INTO "touches" VALUES('t5','waiting','user-5','sms','postbox','unknown',0,'','','',NULL,5,5,14,0,0,0,NULL,0);
INSERT INTO "touches" VALUES('t9','revoked','','','','unknown',0,'','','',NULL,0,14,0,0,1,0,NULL,0);
CREATE INDEX by_ref ON touches (provider, ref) WHERE ref != '';
CREATE INDEX by_mark ON touches (mark, begun_ms) WHERE mark IS NOT NULL;
CREATE INDEX by_user ON touches (user_id) WHERE user_id != '';
CREATE INDEX open ON touches (begun_ms) WHERE state = 'intended';
CREATE INDEX owed ON touches (at_ms) WHERE state = 'known' AND NOT is_reported;
CREATE INDEX to_ask ON touches (ask_ms) WHERE ask_ms IS NOT NULL;
COMMIT;
