-- A family whose tokens nobody used in time is of no more use. It is removed then, and not at its absolute
-- limit, which may be weeks later; that one is also its grant's, which takes it along.
create index refresh_families_idle on refresh_families (idle_expires_at);
drop index refresh_families_expires;
