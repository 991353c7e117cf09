//! Exchanging the master key: everything at rest is sealed under the present one, so that nothing needs the
//! previous one any more. What travels (refresh tokens, sign-ins under way, cookies) ends by itself.

use crate::app::App;
use crate::crypto::heirloom::Resealed;
use crate::crypto::seal::Purpose;
use crate::service::audit::{Actor, Event, chain};
use crate::service::failure::Failure;
use crate::service::mail;
use crate::store::at_rest::{self, Column};
use crate::store::audit::chain::{self as audit_chain, MarkName};
use crate::store::{StoreError, Tx, audit, outbox};

/// Rows that are read at once.
const PAGE: i64 = 500;

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is only counted.
    Count,
    Write,
}

/// What is known of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// Some may run, with whatever they were started with.
    MayRun,
    /// Somebody says that none runs.
    Stopped,
}

/// Why nothing is sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// A server that runs would not open it.
    #[error(
        "no server has been started with these two master keys yet, and one that runs with the previous key \
         alone would open nothing of what is sealed anew: restart every server, then run this again. If none \
         runs, add --servers-are-stopped"
    )]
    NotServed,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What became of the values of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Table and column.
    pub place: &'static str,
    /// Sealed under the present key now; with [`Mode::Count`] those that would be.
    pub resealed: u64,
    /// Were sealed under it before.
    pub present: u64,
    /// Neither key opens them. They stay as they are.
    pub unreadable: u64,
    /// Somebody else has replaced them, or taken them away, since they were read: another run finds under which
    /// key they are sealed.
    pub changed: u64,
}

impl Tally {
    fn of(place: &'static str) -> Self {
        Self { place, resealed: 0, present: 0, unreadable: 0, changed: 0 }
    }

    fn count(&mut self, became: &Resealed) {
        match became {
            Resealed::Anew(_) => self.resealed += 1,
            Resealed::Present => self.present += 1,
            Resealed::Unreadable => self.unreadable += 1,
        }
    }
}

/// Where the database holds what is sealed for a purpose as a text of its own.
fn columns(purpose: Purpose) -> &'static [Column] {
    match purpose {
        Purpose::SigningKey => &[at_rest::SIGNING_KEYS],
        Purpose::EncryptionKey => &[at_rest::ENCRYPTION_KEYS],
        Purpose::Successor => &[at_rest::SUCCESSORS],
        Purpose::ApiAnswer => &[at_rest::API_ANSWERS],
        Purpose::WebhookSecret => &[at_rest::WEBHOOK_SECRETS, at_rest::PREVIOUS_WEBHOOK_SECRETS],
        Purpose::UpstreamSecret => &[at_rest::UPSTREAM_SECRETS],
        Purpose::KeptKey => &[at_rest::KEPT_KEYS],
        // A letter is part of what a delivery in the outbox needs: see `letters`. The audit log is signed,
        // not sealed: see `marks`. The others are carried by browsers and apps, or forgotten within minutes.
        Purpose::Letter
        | Purpose::AuditChain
        | Purpose::Flow
        | Purpose::RefreshToken
        | Purpose::Csrf
        | Purpose::Flash
        | Purpose::UserCode
        | Purpose::DpopNonce
        | Purpose::StrangeClient
        | Purpose::TryIt => &[],
    }
}

/// Seals everything at rest under the present master key, some rows at a time. What is sealed under it
/// already stays as it is, so that it may be interrupted, and asked for again.
///
/// # Errors
/// [`RotationError`]; what was sealed until then opens with both keys, like the rest.
pub async fn rotate(
    app: &App,
    (mode, servers): (Mode, Servers),
    actor: &Actor,
) -> Result<Vec<Tally>, RotationError> {
    if mode == Mode::Write {
        // What a server that was started with both keys has put down.
        if servers == Servers::MayRun && !app.are_heirlooms_kept().await? {
            return Err(RotationError::NotServed);
        }
        app.keep_heirlooms().await?;
    }
    let mut tallies = Vec::new();
    for purpose in Purpose::ALL.iter().copied() {
        for column in columns(purpose) {
            tallies.push(texts(app, (purpose, *column), mode).await?);
        }
    }
    tallies.push(letters(app, mode).await?);
    // The head of the audit log comes last, together with the event that tells of it.
    let mut tx = begun(app, mode).await?;
    tallies.push(marks(app, tx.as_mut()).await?);
    let Some(mut tx) = tx else { return Ok(tallies) };
    let resealed: u64 = tallies.iter().map(|tally| tally.resealed).sum();
    if resealed > 0 {
        let unreadable: u64 = tallies.iter().map(|tally| tally.unreadable).sum();
        let event = Event::success("master_key.rotated", actor, app.now())
            .detail("resealed", resealed)
            .detail("unreadable", unreadable);
        audit::append(&mut tx, &event.into_row()).await?;
    }
    tx.commit().await?;
    Ok(tallies)
}

/// A transaction, if anything is to be written.
async fn begun(app: &App, mode: Mode) -> Result<Option<Tx>, Failure> {
    match mode {
        Mode::Count => Ok(None),
        Mode::Write => Ok(Some(app.store.begin().await?)),
    }
}

/// The values of one column.
async fn texts(
    app: &App,
    (purpose, column): (Purpose, Column),
    mode: Mode,
) -> Result<Tally, Failure> {
    let mut tally = Tally::of(column.name);
    let mut after = String::new();
    loop {
        let page = at_rest::page(&app.store.db, column, (&after, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(tally) };
        after.clone_from(last);
        let mut tx = begun(app, mode).await?;
        for (id, sealed) in &page {
            let became = app.sealer.reseal(purpose, sealed);
            if let (Resealed::Anew(anew), Some(tx)) = (&became, tx.as_mut())
                && !at_rest::replace(tx, (column, id), (sealed, anew)).await?
            {
                tally.changed += 1;
                continue;
            }
            tally.count(&became);
        }
        if let Some(tx) = tx {
            tx.commit().await?;
        }
    }
}

/// Letters that wait to be sent.
async fn letters(app: &App, mode: Mode) -> Result<Tally, Failure> {
    let mut tally = Tally::of("outbox.payload");
    let mut after = String::new();
    loop {
        let page = outbox::payloads(&app.store.db, mail::KIND, (&after, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(tally) };
        after.clone_from(last);
        let mut tx = begun(app, mode).await?;
        for (id, payload) in page {
            let Some((became, payload)) = mail::reseal(app, payload) else { continue };
            if let (Resealed::Anew(_), Some(tx)) = (&became, tx.as_mut())
                && !outbox::set_payload(tx, &id, &payload).await?
            {
                tally.changed += 1;
                continue;
            }
            tally.count(&became);
        }
        if let Some(tx) = tx {
            tx.commit().await?;
        }
    }
}

/// Where the audit log begins and ends.
async fn marks(app: &App, mut tx: Option<&mut Tx>) -> Result<Tally, Failure> {
    let mut tally = Tally::of("audit_marks.signature");
    for name in [MarkName::Head, MarkName::Start] {
        let Some(mark) = audit_chain::mark(&app.store.db, name).await? else { continue };
        match chain::signed_anew(&app.sealer, (name, &mark)) {
            Some(anew) => {
                if let Some(tx) = tx.as_deref_mut()
                    && !audit_chain::move_mark(tx, name, (Some(&mark), &anew)).await?
                {
                    // Whoever has moved it has signed it, with whatever key that node has.
                    tally.changed += 1;
                    continue;
                }
                tally.resealed += 1;
            }
            None if chain::is_signed(&app.sealer, name, &mark) => tally.present += 1,
            None => tally.unreadable += 1,
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    // A purpose that is added is in `Purpose::ALL` by being one, and `columns` does not compile without it.
    #[test]
    fn no_column_is_asked_after_twice() {
        let purposes = Purpose::ALL.iter().copied();
        let named: Vec<_> = purposes.flat_map(columns).map(|one| one.name).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len());
        assert!(named.contains(&"signing_keys.sealed_private"), "{named:?}");
    }
}
