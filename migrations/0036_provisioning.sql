-- What a directory that provisions people and groups calls them itself (SCIM, RFC 7643 section 3.1). Nothing
-- of ours hangs on it.
alter table users add column external_id text;
create index users_external_id on users (external_id) where external_id is not null;
alter table groups add column external_id text;
create index groups_external_id on groups (external_id) where external_id is not null;

-- A group may get another name; by this it is addressed as long as it lives.
alter table groups add column id text;
update groups set id = name;
create unique index groups_id on groups (id);
