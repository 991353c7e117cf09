-- When a disabled account is deleted for good; null for one that nobody wants to be deleted.
alter table users add column delete_at bigint;
create index users_delete_at on users (delete_at) where delete_at is not null;
