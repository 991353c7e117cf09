-- Settings that administrators changed while servers run. What a flag, the environment or a file says
-- wins over these; they win over the defaults.
create table settings (
    key        text   not null primary key,   -- as in docs/configuration.md
    value      text   not null,               -- JSON of the setting's type
    version    bigint not null,               -- sync_state.catalog of the change; never used twice
    changed_at bigint not null,
    changed_by text   not null                -- as the audit log names who did it
);
