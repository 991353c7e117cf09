-- Endpoints of others that are told what happens here. A trigger on audit_events
-- (src/store/db/triggers.rs) puts a message into the outbox for each that wants to hear of an event, in
-- the transaction of the event.
create table webhooks (
    id              text   not null primary key,
    name            text   not null unique,
    url             text   not null,
    secret          text   not null,   -- sealed under the master key, like the one before it
    previous_secret text,
    previous_until  bigint,            -- until then messages are signed with both
    failing_since   bigint,            -- since when no message has arrived; null when the last one did
    created_at      bigint not null,
    disabled_at     bigint
);

-- Which events each wants: a kind, an area such as 'user.*', or '*'.
create table webhook_events (
    webhook_id text not null references webhooks (id) on delete cascade,
    pattern    text not null,
    primary key (webhook_id, pattern)
);

-- What became of each message, for people who look for the reason. Nothing is sent from here.
create table webhook_deliveries (
    id          text   not null primary key,  -- as in the outbox
    webhook_id  text   not null,
    message_id  text   not null,              -- webhook-id
    kind        text   not null,
    state       text   not null,              -- 'arrived', 'waiting', 'failed' or 'dropped'
    attempts    bigint not null,
    status      bigint,                       -- of the last answer, if there was one
    duration_ms bigint not null,
    problem     text,
    created_at  bigint not null,
    last_at     bigint not null,
    expires_at  bigint not null
);
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_expiry on webhook_deliveries (expires_at);

-- The next message for each webhook, however many wait for one that fails.
create index outbox_receiver on outbox (kind, client_id, due_at, id);
