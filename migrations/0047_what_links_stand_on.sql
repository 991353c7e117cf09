-- Whose word a link stands on: it works only while they may still change whom it is for. Null when it stands on
-- nobody's, such as one that somebody asked for themselves.
alter table one_time_links add column made_by text;

-- People in a group in the order of their ids, as they are gone through when it is renamed or deleted.
create index user_groups_group_user on user_groups (group_name, user_id);
drop index user_groups_group_name;
