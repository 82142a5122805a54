-- An event that several series make fire has several alerts: each by its fingerprint, and it ends when none is left. Of what fired before nobody
-- knows which alert it is: it has no fingerprint, and ends with the next alert of its event that does.
CREATE TABLE firings_by_fingerprint (
    graph_id TEXT NOT NULL REFERENCES graphs (id) ON DELETE CASCADE,
    service TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL DEFAULT '',
    since BIGINT NOT NULL,
    PRIMARY KEY (graph_id, service, event, fingerprint)
);

INSERT INTO firings_by_fingerprint (graph_id, service, event, since) SELECT graph_id, service, event, since FROM firings;

DROP TABLE firings;

ALTER TABLE firings_by_fingerprint RENAME TO firings;
