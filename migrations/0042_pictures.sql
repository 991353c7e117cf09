-- Logos of the installation and of apps, decoded and written anew as PNG.
create table pictures (
    owner       text   not null primary key,  -- 'logo', 'logo-dark', or 'client:' and the client_id
    client_id   text   unique references clients (id) on delete cascade, -- null for those of the installation
    fingerprint text   not null,              -- SHA-256 of png; the name under which it is served
    width       bigint not null,              -- in pixels
    height      bigint not null,
    png         text   not null,              -- base64url
    source      text,                         -- the logo_uri it was fetched from; null if somebody supplied it
    created_at  bigint not null
);
create index pictures_fingerprint on pictures (fingerprint);
