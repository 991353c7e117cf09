//! Triggers that keep the audit log append-only, queue every event for its seal, and put a message into
//! the outbox for each webhook that wants to hear of it. They are the one thing both databases spell
//! differently, so they are not in the migrations; they are made after those, once.
//!
//! Whoever may change the schema can drop them: they guard against mistakes, ours and those of
//! somebody at a database prompt. Against malice there is the chain (`store::audit::chain`).

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor, Row};

/// Makes them unless they are there. Making the first one waits for open transactions on the table;
/// every event of those and of earlier ones is queued here, every later one by the trigger.
const POSTGRES: &str = "do $do$ begin \
    if exists (select 1 from pg_trigger where tgrelid = 'audit_events'::regclass \
        and tgname = 'audit_events_queue') then return; end if; \
    create or replace function audit_queue() returns trigger language plpgsql as $f$ begin \
        insert into audit_unsealed (event_id) values (new.id) on conflict do nothing; \
        return null; end $f$; \
    create or replace function audit_refuse() returns trigger language plpgsql as $f$ begin \
        raise exception 'the audit log only grows'; end $f$; \
    create or replace function audit_keep_event() returns trigger language plpgsql as $f$ begin \
        if not exists (select 1 from audit_chain c join audit_marks m on m.name = 'start' \
            where c.event_id = old.id and c.seq <= m.seq) then \
            raise exception 'the audit log only grows'; end if; \
        return old; end $f$; \
    create or replace function audit_keep_link() returns trigger language plpgsql as $f$ begin \
        if not exists (select 1 from audit_marks where name = 'start' and seq >= old.seq) then \
            raise exception 'the audit log only grows'; end if; \
        return old; end $f$; \
    create trigger audit_events_queue after insert on audit_events \
        for each row execute function audit_queue(); \
    create trigger audit_events_frozen before update on audit_events \
        for each row execute function audit_refuse(); \
    create trigger audit_events_kept before delete on audit_events \
        for each row execute function audit_keep_event(); \
    create trigger audit_events_whole before truncate on audit_events \
        for each statement execute function audit_refuse(); \
    create trigger audit_chain_frozen before update on audit_chain \
        for each row execute function audit_refuse(); \
    create trigger audit_chain_kept before delete on audit_chain \
        for each row execute function audit_keep_link(); \
    create trigger audit_chain_whole before truncate on audit_chain \
        for each statement execute function audit_refuse(); \
    insert into audit_unsealed (event_id) select e.id from audit_events e \
        where not exists (select 1 from audit_chain c where c.event_id = e.id) \
        on conflict do nothing; \
    end $do$";

const SQLITE_THERE: &str = "select count(*) from sqlite_master where type = 'trigger' \
    and name = 'audit_events_queue'";

const SQLITE: &str = "\
    create trigger if not exists audit_events_frozen before update on audit_events begin \
        select raise(abort, 'the audit log only grows'); end; \
    create trigger if not exists audit_events_kept before delete on audit_events \
        when not exists (select 1 from audit_chain c join audit_marks m on m.name = 'start' \
            where c.event_id = old.id and c.seq <= m.seq) begin \
        select raise(abort, 'the audit log only grows'); end; \
    create trigger if not exists audit_chain_frozen before update on audit_chain begin \
        select raise(abort, 'the audit log only grows'); end; \
    create trigger if not exists audit_chain_kept before delete on audit_chain \
        when not exists (select 1 from audit_marks where name = 'start' and seq >= old.seq) begin \
        select raise(abort, 'the audit log only grows'); end; \
    create trigger if not exists audit_events_queue after insert on audit_events begin \
        insert into audit_unsealed (event_id) values (new.id) on conflict do nothing; end; \
    insert into audit_unsealed (event_id) select e.id from audit_events e \
        where not exists (select 1 from audit_chain c where c.event_id = e.id) \
        on conflict do nothing";

/// Tells webhooks, in the transaction of the event, so that no use case can forget it and nothing is
/// told of what was rolled back. Without webhooks it reads an empty table. An underscore in a kind
/// stands for any character here, which no two kinds differ by. A message is given up after three days.
const TELL_POSTGRES: &str = "do $do$ begin \
    if exists (select 1 from pg_trigger where tgrelid = 'audit_events'::regclass \
        and tgname = 'audit_events_tell') then return; end if; \
    create or replace function audit_tell() returns trigger language plpgsql as $f$ begin \
        insert into outbox (id, kind, client_id, payload, due_at, attempts, created_at, expires_at) \
            select new.id || ':' || w.id, 'webhook', w.id, jsonb_build_object('event', new.id), \
                new.at, 0, new.at, new.at + 259200 \
            from webhooks w where w.disabled_at is null and exists (select 1 from webhook_events e \
                where e.webhook_id = w.id and new.kind like replace(e.pattern, '*', '%')); \
        return null; end $f$; \
    create trigger audit_events_tell after insert on audit_events \
        for each row execute function audit_tell(); \
    end $do$";

const TELL_SQLITE_THERE: &str = "select count(*) from sqlite_master where type = 'trigger' \
    and name = 'audit_events_tell'";

const TELL_SQLITE: &str = "\
    create trigger if not exists audit_events_tell after insert on audit_events begin \
        insert into outbox (id, kind, client_id, payload, due_at, attempts, created_at, expires_at) \
            select new.id || ':' || w.id, 'webhook', w.id, json_object('event', new.id), \
                new.at, 0, new.at, new.at + 259200 \
            from webhooks w where w.disabled_at is null and exists (select 1 from webhook_events e \
                where e.webhook_id = w.id and new.kind like replace(e.pattern, '*', '%')); end";

/// Makes them on PostgreSQL.
pub(in crate::store) async fn on_postgres(
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    connection.execute(POSTGRES).await?;
    connection.execute(TELL_POSTGRES).await.map(drop)
}

/// Makes them on SQLite, all at once.
pub(in crate::store) async fn on_sqlite(
    connection: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    for (there, make) in [(SQLITE_THERE, SQLITE), (TELL_SQLITE_THERE, TELL_SQLITE)] {
        let found: i64 = connection.fetch_one(there).await?.try_get(0)?;
        if found == 0 {
            let mut tx = connection.begin().await?;
            tx.execute(make).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
