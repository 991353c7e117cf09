-- Identifiers (jti) of tokens that others signed and that are good once: client assertions, proofs. A
-- row is the fact that one was used; once the token has expired, it is needed no more.

create table used_jtis (
    hash       text   not null primary key,
    expires_at bigint not null
);
create index used_jtis_expires_at on used_jtis (expires_at);
