-- Which client answers for a protected resource (RFC 8707): one for each, so that nobody can read
-- tokens that are meant for another. A client whose id is itself a URI holds that name.
create table protected_resources (
    resource  text not null primary key,
    client_id text not null references clients (id) on delete cascade
);
create index protected_resources_client on protected_resources (client_id);
insert into protected_resources (resource, client_id) select id, id from clients where origin = 'document';
