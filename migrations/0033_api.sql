-- Keys with which an administrator's programs use the REST API. Of the key itself only the hash is kept.
create table api_keys (
    id           text   not null primary key,
    hash         text   not null unique,           -- SHA-256 of the whole key
    user_id      text   not null references users (id) on delete cascade,
    name         text   not null,
    scopes       text   not null,                  -- separated by spaces
    created_at   bigint not null,
    expires_at   bigint not null,
    last_used_at bigint,                           -- up to five minutes behind
    revoked_at   bigint
);
create index api_keys_user on api_keys (user_id);
create index api_keys_expires_at on api_keys (expires_at);

-- Requests that came with an Idempotency-Key, so that the same one again does nothing twice.
create table api_requests (
    id         text   not null primary key,        -- SHA-256 of who asked and the key they sent
    digest     text   not null,                    -- SHA-256 of method, path and body
    answer     text,                               -- sealed; null while the first one is under way
    begun_at   bigint not null,
    expires_at bigint not null
);
create index api_requests_expires_at on api_requests (expires_at);
