-- Cookies for the apps behind the gateway. Each belongs to a session and dies with it; it is none.
create table gateway_cookies (
    secret_hash text   not null primary key,
    session_id  text   not null references sessions (id) on delete cascade,
    -- What the sign-in was worth when the cookie was made: an older cookie gains nothing later.
    auth_time   bigint not null,
    acr         text   not null,
    created_at  bigint not null
);
create index gateway_cookies_session on gateway_cookies (session_id);
