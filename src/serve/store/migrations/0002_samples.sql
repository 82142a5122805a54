-- What was measured of services, for capacities that are fitted while graphs run: nine figures each, as a list of JSON.
CREATE TABLE samples (
    graph_id TEXT NOT NULL REFERENCES graphs (id) ON DELETE CASCADE,
    service TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (graph_id, service, at)
);
