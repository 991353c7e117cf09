-- Raised by whatever ends the sessions of a person together. A sign-in or a device's approval that began
-- under an earlier one counts no more, also where tokens that are to stay keep their version.
alter table users add column sign_in_epoch bigint not null default 0;

-- When the person last signed in, kept for good: whoever stayed away until everything they are known by
-- was forgotten is no newcomer. Whoever has signed in before anything was remembered still is one: else
-- all would be strangers after the upgrade.
alter table users add column signed_in_at bigint;
update users set signed_in_at =
    (select max(known_marks.seen_at) from known_marks where known_marks.user_id = users.id);

-- The person, or an administrator, has said that this session was not theirs: where it was says nothing
-- about where they were.
alter table sessions add column disowned boolean not null default false;
