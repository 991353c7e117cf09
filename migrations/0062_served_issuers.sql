-- The issuers that servers have had with this database. Tokens, links in letters, and what apps are set up
-- with name one of them, so that whoever changes it is told what does not fit any more.
create table served_issuers (
    issuer text   not null primary key,
    since  bigint not null              -- when a server started with it for the first time
);
