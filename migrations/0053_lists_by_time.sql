-- People and apps in the order in which they were added.
create index users_created on users (created_at, id);
create index clients_created on clients (created_at, id);
