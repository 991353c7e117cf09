-- What Doorward owes to other servers: written together with the change it tells of, sent after it,
-- tried again until it has arrived. While it is being sent, due_at is when another node may take over.
create table outbox (
    id         text   not null primary key,
    kind       text   not null,
    client_id  text,
    payload    jsonb  not null,
    due_at     bigint not null,
    attempts   bigint not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index outbox_due on outbox (kind, due_at);

-- The clients to tell when a session ends. A grant may be deleted long before its session is.
create table session_clients (
    session_id text not null references sessions (id) on delete cascade,
    client_id  text not null references clients (id) on delete cascade,
    primary key (session_id, client_id)
);
create index session_clients_client on session_clients (client_id);
