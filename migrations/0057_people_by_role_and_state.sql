-- People with a role in the console, disabled ones, and those who are deleted some day, in each order of the list. Nobody
-- else stands in these indexes, so that they cost most people nothing.
create index users_role_name on users (role, username) where role is not null;
create index users_role_created on users (role, created_at, id) where role is not null;
create index users_disabled_name on users (username) where disabled_at is not null and delete_at is null;
create index users_disabled_created on users (created_at, id) where disabled_at is not null and delete_at is null;
create index users_leaving_name on users (username) where delete_at is not null;
create index users_leaving_created on users (created_at, id) where delete_at is not null;
-- Last of all: it keeps everybody from reading for as long as the migration runs.
drop index users_role;
