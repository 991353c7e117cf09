-- How far an import of people has come, so that it can go on where it was interrupted. One row for each
-- file, gone when it is through.
create table imports (
    digest     text   not null primary key,   -- SHA-256 of the file
    line       bigint not null,               -- the last one that is dealt with
    created    bigint not null,
    updated    bigint not null,
    skipped    bigint not null,
    rejected   bigint not null,
    expires_at bigint not null                -- when an interrupted import is forgotten
);
create index imports_expires_at on imports (expires_at);
