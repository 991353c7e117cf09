-- The username stands beside who is in an organisation, as it does for groups: a page of the people in it is read in its
-- order however many they are. It follows the person's.
create table members_in_order (
    organisation_id text   not null references organisations (id) on delete cascade,
    user_id         text   not null,
    username        text   not null,
    created_at      bigint not null,
    primary key (organisation_id, user_id),
    foreign key (user_id, username) references users (id, username) on delete cascade on update cascade
);
insert into members_in_order (organisation_id, user_id, username, created_at)
    select m.organisation_id, m.user_id, u.username, m.created_at
    from organisation_members m join users u on u.id = m.user_id;
drop table organisation_members;
alter table members_in_order rename to organisation_members;

create index organisation_members_user on organisation_members (user_id);
create index organisation_members_name on organisation_members (organisation_id, username, user_id);
