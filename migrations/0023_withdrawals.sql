-- How often a person has taken back what they allowed an app. What the app kept before, wherever a copy
-- of it comes back from, is told by this from what it keeps after it was allowed again.
create table withdrawals (
    user_id   text   not null references users (id) on delete cascade,
    client_id text   not null references clients (id) on delete cascade,
    count     bigint not null,
    primary key (user_id, client_id)
);
create index withdrawals_client_id on withdrawals (client_id);
