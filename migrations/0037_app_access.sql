-- Which groups an app lets in. An app without a row lets everybody in. The name of a group that was deleted
-- stays, so that the app is not opened by that: no reference.
create table client_groups (
    client_id  text not null references clients (id) on delete cascade,
    group_name text not null,
    primary key (client_id, group_name)
);
create index client_groups_group on client_groups (group_name);
