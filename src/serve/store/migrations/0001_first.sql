-- The first form of the store. One text for SQLite and PostgreSQL: texts are TEXT (JSON too), times are milliseconds since 1970,
-- truths are 0 and 1. `COLLATE "C"` is taken out for SQLite, which compares bytes anyway: so both list in the same order.

-- Numbers of what is told in order. A row that is counted up inside the transaction makes the order of the numbers that of the
-- commits: whoever has read up to a number has missed nothing, which a sequence of PostgreSQL does not promise.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('events', 0), ('decisions', 0), ('audit', 0), ('clusters', 0);

CREATE TABLE projects (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    policy TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE graphs (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT COLLATE "C" NOT NULL REFERENCES projects (name),
    name TEXT COLLATE "C" NOT NULL,
    -- Of what is wanted.
    generation BIGINT NOT NULL,
    wanted TEXT NOT NULL,
    options TEXT NOT NULL,
    source TEXT,
    descriptor TEXT NOT NULL,
    previous TEXT,
    paused TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Of what was observed.
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    observed BIGINT NOT NULL,
    UNIQUE (project, name)
);

CREATE INDEX graphs_by_name ON graphs (name);

CREATE TABLE firings (
    graph_id TEXT NOT NULL REFERENCES graphs (id) ON DELETE CASCADE,
    service TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (graph_id, service, event)
);

-- Jobs outlive their graphs. Steps are lines of JSON, so that one is added by one statement.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    graph TEXT NOT NULL,
    graph_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    steps TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE INDEX jobs_by_graph ON jobs (graph_id, created_at);
CREATE INDEX jobs_by_time ON jobs (created_at);

CREATE TABLE answers (
    key TEXT NOT NULL,
    actor TEXT NOT NULL,
    digest TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (key, actor)
);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE events (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    project TEXT,
    graph TEXT,
    subject TEXT,
    message TEXT NOT NULL,
    data TEXT NOT NULL
);

CREATE INDEX events_by_graph ON events (graph, seq);

CREATE TABLE decisions (
    seq BIGINT NOT NULL PRIMARY KEY,
    graph_id TEXT NOT NULL REFERENCES graphs (id) ON DELETE CASCADE,
    body TEXT NOT NULL
);

CREATE INDEX decisions_by_graph ON decisions (graph_id, seq);

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status BIGINT NOT NULL,
    request_id TEXT NOT NULL
);

-- What was seen, and what the operator says, each written without touching the other.
CREATE TABLE clusters (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    present BIGINT NOT NULL,
    seen TEXT NOT NULL,
    attributes TEXT NOT NULL,
    dashboard TEXT
);

-- Of a token only its digest is kept.
CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    project TEXT,
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

-- The secret of a webhook is kept as it is: it signs what is sent.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    project TEXT,
    created_at BIGINT NOT NULL,
    secret TEXT NOT NULL,
    sent BIGINT NOT NULL,
    trouble TEXT
);

CREATE TABLE documents (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
