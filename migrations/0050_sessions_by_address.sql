-- Where people are signed in from one address, newest first.
create index sessions_address on sessions (address, created_at, id);
