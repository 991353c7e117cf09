-- In which session a device was let in, and an API key made, which both outlive it: when that sign-in turns out to be a
-- thief's, they end with it.
alter table grants add column approved_in text;
create index grants_approved_in on grants (approved_in) where approved_in is not null;

alter table api_keys add column made_in text;
create index api_keys_made_in on api_keys (made_in) where made_in is not null;
