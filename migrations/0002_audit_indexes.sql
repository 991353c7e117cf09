-- The id of an event begins with its time, so events are ordered by id alone: one index less, and
-- shorter ones. What an event does not name is not in that name's index.
drop index audit_events_at;
drop index audit_events_kind;
drop index audit_events_user;
drop index audit_events_client;
drop index audit_events_request;
create index audit_events_kind on audit_events (kind, id);
create index audit_events_user on audit_events (user_id, id) where user_id is not null;
create index audit_events_client on audit_events (client_id, id) where client_id is not null;
create index audit_events_request on audit_events (request_id, id) where request_id is not null;
