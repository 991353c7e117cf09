-- Organisations, and who is in them.
create table organisations (
    id                 text   not null primary key,
    -- A handle: lower-case letters, digits and hyphens.
    name               text   not null unique,
    -- What apps and people see.
    display_name       text   not null,
    -- As searches see it.
    display_name_lower text   not null,
    -- Counts changes, so that nobody overwrites what they have not seen.
    version            bigint not null default 0,
    created_at         bigint not null,
    updated_at         bigint not null
);

create table organisation_members (
    organisation_id text   not null references organisations (id) on delete cascade,
    user_id         text   not null references users (id) on delete cascade,
    created_at      bigint not null,
    primary key (organisation_id, user_id)
);
create index organisation_members_user on organisation_members (user_id);

-- Which one somebody has chosen in a session, and for which one an app was let in. No references: what
-- counts is whether the person is in it, and deleting one takes these along in its own order.
alter table sessions add column organisation_id text;
alter table grants add column organisation_id text;
