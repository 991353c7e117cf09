-- Keys that outlive the master key they were derived from: those of pairwise names, and those under which
-- the audit log was chained. Sealed under the master key.
create table kept_keys (
    name       text   not null primary key,
    sealed     text   not null,
    created_at bigint not null
);
