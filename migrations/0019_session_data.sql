-- Small values that apps keep beside a session and want to survive the fast store. One row holds all
-- values of one app for one session, or for one person on all devices (then session_id is null).
create table session_data (
    id         text   not null primary key,
    client_id  text   not null references clients (id) on delete cascade,
    user_id    text   not null references users (id) on delete cascade,
    session_id text   references sessions (id) on delete cascade,
    -- JSON, kept as it was written: jsonb would spell numbers in its own way.
    document   text   not null,
    expires_at bigint not null
);
create index session_data_client on session_data (client_id);
create index session_data_user on session_data (user_id);
create index session_data_session on session_data (session_id);
create index session_data_expires on session_data (expires_at);
