-- Issuers whose tokens count here, with what they may vouch for.
create table trusted_issuers (
    name       text   not null primary key,
    issuer     text   not null unique,
    settings   jsonb  not null,
    created_at bigint not null
);
