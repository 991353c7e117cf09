-- Who is in a group, who looks after it and which roles it gives hang on the group's id: a group of any size gets
-- another name by one row. One without an id was made by a server of an older version; its name was its id.
update groups set id = name
    where id is null and not exists (select 1 from groups other where other.id = groups.name);
update groups set id = 'made-as:' || name where id is null;

create table groups_by_id (
    id          text    not null primary key,
    name        text    not null unique,
    name_lower  text,                          -- for searching by prefix
    description text,                          -- what it is for, in a sentence
    external_id text,                          -- what a directory calls it
    managed     boolean not null default false,
    created_at  bigint  not null
);
insert into groups_by_id (id, name, name_lower, description, external_id, managed, created_at)
    select id, name, name_lower, description, external_id, managed, created_at from groups;

-- The username stands here as well, so that a page of the people in a group is read in its order however many they
-- are. It follows the person's.
create unique index users_id_username on users (id, username);
create table user_groups_by_id (
    user_id  text not null,
    group_id text not null references groups_by_id (id) on delete cascade,
    username text not null,
    primary key (user_id, group_id),
    foreign key (user_id, username) references users (id, username) on delete cascade on update cascade
);
insert into user_groups_by_id (user_id, group_id, username)
    select m.user_id, g.id, u.username from user_groups m
    join groups g on g.name = m.group_name join users u on u.id = m.user_id;

create table group_managers_by_id (
    group_id   text   not null references groups_by_id (id) on delete cascade,
    user_id    text   not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (group_id, user_id)
);
insert into group_managers_by_id (group_id, user_id, created_at)
    select g.id, m.user_id, m.created_at from group_managers m join groups g on g.name = m.group_name;

create table group_roles_by_id (
    group_id  text not null references groups_by_id (id) on delete cascade,
    client_id text not null,
    role_name text not null,
    primary key (group_id, client_id, role_name),
    foreign key (client_id, role_name) references client_roles (client_id, name) on delete cascade
);
insert into group_roles_by_id (group_id, client_id, role_name)
    select g.id, r.client_id, r.role_name from group_roles r join groups g on g.name = r.group_name;

drop table user_groups;
drop table group_managers;
drop table group_roles;
drop table groups;
alter table groups_by_id rename to groups;
alter table user_groups_by_id rename to user_groups;
alter table group_managers_by_id rename to group_managers;
alter table group_roles_by_id rename to group_roles;

create index groups_external_id on groups (external_id) where external_id is not null;
create index user_groups_group on user_groups (group_id, username, user_id);
create index group_managers_user on group_managers (user_id);
create index group_roles_role on group_roles (client_id, role_name);
