-- One text for PostgreSQL and SQLite. Ids and names are TEXT, time is BIGINT Unix seconds, secrets
-- are kept only as hashes, JSONB columns hold objects or arrays and are never looked into by SQL.

create table users (
    id             text    not null primary key,
    username       text    not null unique,   -- lower case
    email          text    unique,            -- lower case
    email_verified boolean not null,
    name           text,
    name_lower     text,                      -- for searching by prefix
    profile        jsonb   not null,
    role           text,
    disabled_at    bigint,
    token_version  bigint  not null,
    created_at     bigint  not null,
    updated_at     bigint  not null
);
create index users_name_lower on users (name_lower);
create index users_role on users (role) where role is not null;

create table passwords (
    user_id    text   not null primary key references users (id) on delete cascade,
    phc        text   not null,
    changed_at bigint not null
);

create table groups (
    name       text   not null primary key,
    created_at bigint not null
);

create table user_groups (
    user_id    text not null references users (id) on delete cascade,
    group_name text not null references groups (name) on delete cascade on update cascade,
    primary key (user_id, group_name)
);
create index user_groups_group_name on user_groups (group_name);

create table clients (
    id            text   not null primary key,
    name_lower    text   not null,
    metadata      jsonb  not null,
    secret_hashes jsonb  not null,
    disabled_at   bigint,
    token_version bigint not null,
    created_at    bigint not null,
    updated_at    bigint not null
);
create index clients_name_lower on clients (name_lower);

create table consents (
    user_id    text   not null references users (id) on delete cascade,
    client_id  text   not null references clients (id) on delete cascade,
    scopes     text   not null,
    granted_at bigint not null,
    primary key (user_id, client_id)
);
create index consents_client_id on consents (client_id);

create table sessions (
    id           text   not null primary key,
    secret_hash  text   not null unique,
    user_id      text   not null references users (id) on delete cascade,
    auth_time    bigint not null,
    acr          text   not null,
    amr          jsonb  not null,
    device       text   not null,
    address      text   not null,
    created_at   bigint not null,
    last_seen_at bigint not null,
    idle_seconds bigint not null,
    expires_at   bigint not null,
    revoked_at   bigint
);
create index sessions_user on sessions (user_id, created_at, id);
create index sessions_created on sessions (created_at, id);
create index sessions_expires on sessions (expires_at);

-- The primary key is the single-use gate of an authorization code: the code names the grant's id.
-- session_id is no foreign key, since a grant may outlive its session.
create table grants (
    id         text    not null primary key,
    user_id    text    not null references users (id) on delete cascade,
    client_id  text    not null references clients (id) on delete cascade,
    session_id text,
    scopes     text    not null,
    offline    boolean not null,
    auth_time  bigint  not null,
    acr        text    not null,
    amr        jsonb   not null,
    created_at bigint  not null,
    expires_at bigint  not null,
    revoked_at bigint
);
create index grants_user on grants (user_id, client_id);
create index grants_client on grants (client_id);
create index grants_session on grants (session_id);
create index grants_expires on grants (expires_at);

create table refresh_families (
    id               text   not null primary key,
    grant_id         text   not null references grants (id) on delete cascade,
    generation       bigint not null,
    current_hash     text   not null,
    previous_hash    text,
    rotated_at       bigint,
    successor_sealed text,
    idle_seconds     bigint not null,
    idle_expires_at  bigint not null,
    expires_at       bigint not null,
    created_at       bigint not null
);
create index refresh_families_grant on refresh_families (grant_id);
create index refresh_families_expires on refresh_families (expires_at);
create index refresh_families_successor on refresh_families (rotated_at)
    where successor_sealed is not null;

create table signing_keys (
    kid            text   not null primary key,
    alg            text   not null,
    state          text   not null,
    sealed_private text   not null,
    public_jwk     jsonb  not null,
    created_at     bigint not null,
    activates_at   bigint not null,
    retires_at     bigint,
    remove_after   bigint
);
-- Two nodes that rotate at once cannot both succeed.
create unique index signing_keys_one_active on signing_keys (alg) where state = 'active';
create unique index signing_keys_one_next on signing_keys (alg) where state = 'next';

create table one_time_links (
    hash       text   not null primary key,
    kind       text   not null,
    user_id    text   references users (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint
);
create index one_time_links_user on one_time_links (user_id);
create index one_time_links_expires on one_time_links (expires_at);

create table revocations (
    kind       text   not null,
    subject    text   not null,
    version    bigint not null,
    revoked_at bigint not null,
    expires_at bigint not null,
    primary key (kind, subject)
);
create index revocations_expires on revocations (expires_at);

create table sync_state (
    id          bigint not null primary key check (id = 1),
    catalog     bigint not null,
    revocations bigint not null
);
insert into sync_state (id, catalog, revocations) values (1, 0, 0);

-- Append-only, and without foreign keys: history outlives what it speaks of.
create table audit_events (
    id         text   not null primary key,
    at         bigint not null,
    kind       text   not null,
    outcome    text   not null,
    actor      text,
    user_id    text,
    client_id  text,
    session_id text,
    address    text,
    request_id text,
    detail     jsonb  not null
);
create index audit_events_at on audit_events (at, id);
create index audit_events_kind on audit_events (kind, at, id);
create index audit_events_user on audit_events (user_id, at, id);
create index audit_events_client on audit_events (client_id, at, id);
create index audit_events_request on audit_events (request_id);
