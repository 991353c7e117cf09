-- Until when a password lets its person choose another one, and do nothing else; null for a password of their own.
alter table passwords add column temporary_until bigint;
-- Whose word a temporary password stands on: it counts only while they may still change whom it is for. Null when it
-- stands on nobody's, such as one that the command line gave.
alter table passwords add column temporary_by text;
