-- Keys others encrypt with for Doorward. A table of their own: they never sign, and a server that
-- does not know them yet must not come across them among the signing keys.
create table encryption_keys (
    kid            text   not null primary key,
    alg            text   not null,
    state          text   not null,
    sealed_private text   not null,
    public_jwk     jsonb  not null,
    created_at     bigint not null,
    remove_after   bigint
);
-- Two nodes that rotate at once cannot both succeed.
create unique index encryption_keys_one_active on encryption_keys (alg) where state = 'active';
