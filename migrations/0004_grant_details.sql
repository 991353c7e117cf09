-- What a grant carries beyond its scopes: claims asked for by name, resources, authorization details,
-- the key its tokens are bound to.
alter table grants add column details jsonb not null default '{}';
