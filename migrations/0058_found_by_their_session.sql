-- What is to end with a session that it outlives is found by it.
create index grants_approved_in on grants (approved_in) where approved_in is not null;
create index api_keys_made_in on api_keys (made_in) where made_in is not null;
