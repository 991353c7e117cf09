-- The names of the metadata members that an administrator has set of an app that registered itself: the
-- app cannot change those any more.
alter table client_registrations add column set_by_administrator jsonb not null default '[]';

-- The network an app registered itself from, of which each gets its share of the places.
alter table client_registrations add column network text not null default '';
update client_registrations set network = address;
create index client_registrations_network on client_registrations (network);

-- Since when an app is in use: since somebody first allowed it something, or since it may act without
-- anybody. What was ever allowed to the apps that are there is no longer known, so all of them are.
alter table clients add column in_use_since bigint;
update clients set in_use_since = created_at;
