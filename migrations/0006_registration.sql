-- Where a client came from: made by an administrator, registered over the network by itself, or
-- described by a document at the URL that is its id.
alter table clients add column origin text not null default 'manual';
create index clients_origin on clients (origin, created_at);

-- Permissions to register, shown once and kept as hashes.
create table registration_tokens (
    id         text   not null primary key,
    hash       text   not null unique,
    label      text   not null,
    created_at bigint not null,
    expires_at bigint not null,
    max_uses   bigint not null,
    uses       bigint not null,
    revoked_at bigint
);
create index registration_tokens_expires on registration_tokens (expires_at);

-- What is known of a client that registered itself, and the hash of the token it manages itself
-- with. The permission it used is no foreign key: it is forgotten earlier.
create table client_registrations (
    client_id     text   not null primary key references clients (id) on delete cascade,
    token_hash    text   not null,
    permission    text,
    statement_by  text,
    address       text   not null,
    registered_at bigint not null
);

-- When the metadata document of a client was last read.
create table client_documents (
    client_id  text   not null primary key references clients (id) on delete cascade,
    fetched_at bigint not null
);
create index client_documents_fetched on client_documents (fetched_at);
