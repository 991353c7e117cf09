-- Where a session began, as the place of its address was known then; empty when it was not.
alter table sessions add column place text not null default '';
