-- What came before this database was restored from a backup is not its past. The epoch is part of every
-- name in Redis, so that nothing kept there speaks of a later state than the tables; access tokens issued
-- up to tokens_from count no more. 0 and 0: it was never restored.
alter table sync_state add column epoch bigint not null default 0;
alter table sync_state add column tokens_from bigint not null default 0;

-- Made by `doorward apply`: what a later one may remove when its file does not name it any more.
alter table users add column managed boolean not null default false;
alter table groups add column managed boolean not null default false;
alter table clients add column managed boolean not null default false;
