-- The chain of the audit log. An event is written in the transaction of what it witnesses, without a
-- number, so that no two of them wait for each other. Within about a second it is sealed: it gets the
-- next number and a hash over itself and the hash before it.

-- Events waiting to be sealed. A trigger fills it (src/store/db/triggers.rs).
create table audit_unsealed (
    event_id text not null primary key
);

create table audit_chain (
    seq       bigint not null primary key,   -- 1, 2, 3, … without gaps
    event_id  text   not null unique,
    sealed_at bigint not null,
    hash      text   not null,
    signature text                           -- under the last event of each batch
);

-- 'head' is the newest sealed event, 'start' the newest one that retention removed. Both are signed.
create table audit_marks (
    name      text   not null primary key,
    seq       bigint not null,
    hash      text   not null,
    at        bigint not null,
    signature text   not null
);

create index audit_events_address on audit_events (address, id) where address is not null;
create index audit_events_failures on audit_events (id) where outcome = 'failure';
