-- What a group is for, in a sentence, and its name as searches see it.
alter table groups add column description text;
alter table groups add column name_lower text;
update groups set name_lower = lower(name);

-- Who looks after a group in the console. It counts for people without a role there.
create table group_managers (
    group_name text   not null references groups (name) on delete cascade on update cascade,
    user_id    text   not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (group_name, user_id)
);
create index group_managers_user on group_managers (user_id);
