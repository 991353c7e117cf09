-- The address that somebody gave when they made their own account. Nobody has proved it, so it is no
-- name to sign in with, and any number of people may claim the same one.
alter table users add column claimed_email text;

-- An issuer outside can be switched off without forgetting what it may vouch for.
alter table trusted_issuers add column disabled_at bigint;
