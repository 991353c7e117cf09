-- For a search of people on SQLite by the beginning of an e-mail address that nobody has confirmed. Most people have none and
-- are not in it. On PostgreSQL `users_claimed_prefix` serves such a search.
create index users_claimed_email on users (claimed_email) where claimed_email is not null;
