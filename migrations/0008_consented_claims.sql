-- Claims that a person allowed an app by name, beyond what the allowed scopes give.
alter table consents add column claims jsonb not null default '[]';
