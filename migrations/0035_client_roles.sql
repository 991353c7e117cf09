-- What people may be in an app. The names mean something to that app alone.
create table client_roles (
    client_id   text   not null references clients (id) on delete cascade,
    name        text   not null,
    -- What it allows, in a sentence; the app does not see it.
    description text,
    created_at  bigint not null,
    primary key (client_id, name)
);

-- Who has a role by themselves.
create table user_roles (
    user_id   text not null references users (id) on delete cascade,
    client_id text not null,
    role_name text not null,
    primary key (user_id, client_id, role_name),
    foreign key (client_id, role_name) references client_roles (client_id, name) on delete cascade
);
create index user_roles_role on user_roles (client_id, role_name);

-- Which groups give a role to everybody in them.
create table group_roles (
    group_name text not null references groups (name) on delete cascade on update cascade,
    client_id  text not null,
    role_name  text not null,
    primary key (group_name, client_id, role_name),
    foreign key (client_id, role_name) references client_roles (client_id, name) on delete cascade
);
create index group_roles_role on group_roles (client_id, role_name);
