-- Providers elsewhere at which people of ours have an account.
create table upstream_providers (
    id            text    not null primary key,
    slug          text    not null unique,  -- stays: it will be in the address people come back to
    kind          text    not null,         -- 'oidc'
    issuer        text    not null,         -- stays: accounts there are accounts of this issuer
    display_name  text    not null,
    client_id     text    not null,
    client_secret text    not null,         -- sealed under the master key
    settings      jsonb   not null,
    created_at    bigint  not null,
    disabled_at   bigint,
    managed       boolean not null default false
);
