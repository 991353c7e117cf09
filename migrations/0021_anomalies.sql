-- What a person has signed in with and from: a browser by the hash of a cookie it keeps, a network by
-- the hash of its name. At most a few of each kind for a person; forgotten when not seen for long.
create table known_marks (
    user_id    text   not null references users (id) on delete cascade,
    kind       text   not null,
    mark       text   not null,
    seen_at    bigint not null,
    expires_at bigint not null,
    primary key (user_id, kind, mark)
);
create index known_marks_expires on known_marks (expires_at);

-- The session that "this was not me" ends. No foreign key: the link outlives the session.
alter table one_time_links add column session_id text;
