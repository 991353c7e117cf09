-- Where an administrator has ended the registration access of an app, there was a hash of which nobody knows the token. There is
-- none from now on, so that it can be told from access that works.
update client_registrations set token_hash = '' where exists
    (select 1 from audit_events where audit_events.client_id = client_registrations.client_id
    and audit_events.kind = 'client.registration_revoked' and audit_events.at >= client_registrations.registered_at);
