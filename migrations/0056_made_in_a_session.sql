-- In which session a device was let in, and an API key made, which both outlive it: when that sign-in turns out to be a
-- thief's, they end with it.
alter table grants add column approved_in text;
alter table api_keys add column made_in text;
