-- Which revocation it was, by the counter in sync_state: whoever has a copy that knows all up to a number
-- reads what came since. 0 for those of before, and for those that a node of an older version writes.
alter table revocations add column number bigint not null default 0;
create index revocations_number on revocations (number);
