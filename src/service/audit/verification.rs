//! Checking the audit log: every event is where its number says, unchanged, and both ends of the
//! chain are the ones that were signed. Reads page by page, beside a server that goes on sealing.

use crate::clock::Seconds;
use crate::service::audit::chain::{Chain, holds, is_link_signed, is_signed, place_of};
use crate::service::failure::Failure;
use crate::store::audit::chain::{self, Link, MarkName, Queue};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// An event sealed so long after it says it happened is worth a look: its row may have been written
/// by somebody else, and later.
const LATE: Seconds = 600;

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// From this number on, believing the hash before it; everything when absent.
    pub from: Option<i64>,
    /// A number and the hash it had, noted earlier outside of the database.
    pub anchor: Option<(i64, String)>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The first and the last number that were checked; equal to one below the first when none was.
    pub first: i64,
    pub last: i64,
    /// The hash of the last one, to be noted elsewhere and given as an anchor another time.
    pub hash: String,
    pub checked: u64,
    pub fault: Option<Fault>,
    /// How many events were sealed long after they say they happened, and the first of them.
    pub late: Option<(u64, i64)>,
    /// Events that are neither sealed nor waiting, and the first one's id.
    pub stray: Option<(u64, String)>,
    /// What waits to be sealed.
    pub queue: Option<Queue>,
}

/// Where and how the chain breaks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub seq: i64,
    pub kind: Kind,
}

/// What is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The event or its place is gone.
    Missing,
    /// The event is not the one that was sealed there.
    Changed,
    /// Everything fits together, but not with what was signed: this event, or one up to the second
    /// number, was replaced and the hashes were made anew.
    Rewritten { up_to: i64 },
    /// The newest events were cut off.
    CutOff,
    /// Something stands after the last event that was sealed.
    Added,
    /// The mark that retention left is not signed by this installation.
    Start,
    /// The signed head is missing or not signed by this installation.
    Head,
}

impl Report {
    /// Whether the log is what was written.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let lost = self.queue.is_some_and(|queue| queue.missing > 0);
        self.fault.is_none() && self.stray.is_none() && !lost
    }
}

impl Kind {
    /// A stable name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Rewritten { .. } => "rewritten",
            Self::CutOff => "cut_off",
            Self::Added => "added",
            Self::Start => "start_not_signed",
            Self::Head => "head_not_signed",
        }
    }
}

/// Checks the log; tells `progress` how many events were checked after every page.
///
/// # Errors
/// [`Failure`] when the database does not answer; that says nothing about the log.
pub async fn verify(
    chain: &Chain<'_>,
    question: &Question,
    progress: &mut impl FnMut(u64),
) -> Result<Report, Failure> {
    let mut walk = Walk::begin(chain, question).await?;
    if walk.report.fault.is_none() {
        walk.walk_on(progress).await?;
    }
    let mut report = walk.finished();
    if question.from.is_none() {
        report.stray = strays(chain).await?;
    }
    report.queue = Some(chain::queue(chain.db).await?);
    Ok(report)
}

/// A walk along the chain.
struct Walk<'a> {
    chain: &'a Chain<'a>,
    anchor: Option<&'a (i64, String)>,
    /// Number and hash of the last good event.
    seq: i64,
    hash: String,
    /// The last number with a good signature.
    signed: i64,
    report: Report,
}

/// Whether a page was gone through.
enum Step {
    Done,
    /// Retention has moved the beginning meanwhile: read again from there.
    Moved,
    Broken(Fault),
}

impl<'a> Walk<'a> {
    /// Stands before the first event to check.
    async fn begin(chain: &'a Chain<'a>, question: &'a Question) -> Result<Self, Failure> {
        let mut walk = Self {
            chain,
            anchor: question.anchor.as_ref(),
            seq: 0,
            hash: String::new(),
            signed: 0,
            report: Report::default(),
        };
        if !walk.go_to_start().await? {
            walk.report.fault = Some(Fault { seq: walk.seq, kind: Kind::Start });
        } else if let Some(before) = question.from.map(|from| from - 1)
            && before > walk.seq
        {
            let found = chain::links(chain.db, (before - 1, 1)).await?;
            let there = found.first().filter(|link| link.seal.seq == before);
            (walk.seq, walk.signed) = (before, before);
            match there {
                Some(link) => walk.hash.clone_from(&link.seal.hash),
                None => walk.report.fault = Some(Fault { seq: before, kind: Kind::Missing }),
            }
        }
        walk.report.first = walk.seq + 1;
        Ok(walk)
    }

    /// Goes to where retention has left the chain; `false` if that mark is not ours.
    async fn go_to_start(&mut self) -> Result<bool, Failure> {
        let start = chain::mark(self.chain.db, MarkName::Start).await?;
        (self.seq, self.hash) = place_of(start.as_ref());
        self.signed = self.seq;
        Ok(start.is_none_or(|start| is_signed(self.chain.sealer, MarkName::Start, &start)))
    }

    async fn walk_on(&mut self, progress: &mut impl FnMut(u64)) -> Result<(), Failure> {
        loop {
            let page = chain::links(self.chain.db, (self.seq, PAGE)).await?;
            if page.is_empty() {
                match self.at_the_head().await? {
                    Step::Done => return Ok(()),
                    Step::Moved => continue,
                    Step::Broken(fault) => {
                        self.report.fault = Some(fault);
                        return Ok(());
                    }
                }
            }
            if let Step::Broken(fault) = self.through(&page).await? {
                self.report.fault = Some(fault);
                return Ok(());
            }
            progress(self.report.checked);
        }
    }

    async fn through(&mut self, page: &[Link]) -> Result<Step, Failure> {
        for link in page {
            match self.step(link) {
                Ok(()) => {}
                // Retention may have taken this very stretch meanwhile.
                Err(Fault { kind: Kind::Missing, seq }) => {
                    let start = chain::mark(self.chain.db, MarkName::Start).await?;
                    if place_of(start.as_ref()).0 < seq {
                        return Ok(Step::Broken(Fault { seq, kind: Kind::Missing }));
                    }
                    if !self.go_to_start().await? {
                        return Ok(Step::Broken(Fault { seq: self.seq, kind: Kind::Start }));
                    }
                    return Ok(Step::Moved);
                }
                Err(fault) => return Ok(Step::Broken(fault)),
            }
        }
        Ok(Step::Done)
    }

    /// Checks one place and stands on it.
    fn step(&mut self, link: &Link) -> Result<(), Fault> {
        let seq = self.seq + 1;
        let broken = |kind| Fault { seq, kind };
        let event = link.event.as_ref().filter(|_| link.seal.seq == seq);
        let event = event.ok_or_else(|| broken(Kind::Missing))?;
        if !holds(&self.hash, link, event) {
            return Err(broken(Kind::Changed));
        }
        let hash = link.seal.hash.as_str();
        let rewritten = Fault { seq: self.signed + 1, kind: Kind::Rewritten { up_to: seq } };
        if let Some(signature) = &link.signature {
            if !is_link_signed(self.chain.sealer, (seq, hash), signature) {
                return Err(rewritten);
            }
            self.signed = seq;
        }
        if self.anchor.is_some_and(|(at, noted)| *at == seq && noted != hash) {
            return Err(rewritten);
        }
        if link.seal.sealed_at.since(event.at) > LATE {
            let (count, first) = self.report.late.unwrap_or((0, seq));
            self.report.late = Some((count + 1, first));
        }
        self.report.checked += 1;
        self.seq = seq;
        hash.clone_into(&mut self.hash);
        Ok(())
    }

    /// After the last event: is this where the chain was signed to end?
    async fn at_the_head(&mut self) -> Result<Step, Failure> {
        let broken = |seq, kind| Ok(Step::Broken(Fault { seq, kind }));
        let Some(head) = chain::mark(self.chain.db, MarkName::Head).await? else {
            let is_new = self.seq == 0 && self.anchor.is_none();
            return if is_new { Ok(Step::Done) } else { broken(self.seq + 1, Kind::Head) };
        };
        if head.seq > self.seq {
            // Sealed since the last page was read, taken by retention meanwhile, or cut off.
            if !chain::links(self.chain.db, (self.seq, 1)).await?.is_empty() {
                return Ok(Step::Moved);
            }
            let stood = self.seq;
            let start = chain::mark(self.chain.db, MarkName::Start).await?;
            if place_of(start.as_ref()).0 <= stood {
                return broken(stood + 1, Kind::CutOff);
            }
            let ours = self.go_to_start().await?;
            return if ours { Ok(Step::Moved) } else { broken(self.seq, Kind::Start) };
        }
        if head.seq < self.seq {
            return broken(head.seq + 1, Kind::Added);
        }
        if head.hash != self.hash {
            return broken(self.signed + 1, Kind::Rewritten { up_to: self.seq });
        }
        if !is_signed(self.chain.sealer, MarkName::Head, &head) {
            return broken(self.signed + 1, Kind::Head);
        }
        if self.anchor.is_some_and(|(at, _)| *at > self.seq) {
            return broken(self.seq + 1, Kind::CutOff);
        }
        Ok(Step::Done)
    }

    fn finished(mut self) -> Report {
        self.report.last = self.seq;
        self.report.hash = self.hash;
        self.report
    }
}

/// Events that no trigger has queued: their rows were written with the triggers gone.
async fn strays(chain: &Chain<'_>) -> Result<Option<(u64, String)>, Failure> {
    let mut found: Option<(u64, String)> = None;
    let mut after = String::new();
    loop {
        let page = chain::known(chain.db, (&after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after.clone_from(&last.id);
        for event in page.iter().filter(|one| one.sealed.is_none() && one.queued.is_none()) {
            let (count, first) = found.unwrap_or_else(|| (0, event.id.clone()));
            found = Some((count + 1, first));
        }
    }
}
