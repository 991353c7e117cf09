//! Passwords: Argon2id (RFC 9106) on a bounded pool of threads.
//!
//! A hash takes about 20 ms of a whole core by design, so the number of threads is the number of
//! cores and whoever does not fit into the queue is told to come back ([`PasswordError::Busy`]).
//! A password of any length is hashed whole; keeping it under 1,024 bytes is the caller's business.

pub mod foreign;

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use subtle::ConstantTimeEq;
use tracing::Instrument as _;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use self::foreign::{Foreign, HashProblem};
use super::pool::{Habits, Pool, PoolError};
use super::secret::random_bytes;
use crate::telemetry::traces;

/// A thread that has checked no password for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// How many blocks (of 1 KiB) are asked for at least. The C library gives a request above 32 MiB a
/// mapping of its own, and the memory back to the system with it; what it takes from its heap it
/// would keep. Blocks that are never written occupy nothing.
const OWN_MAPPING: usize = 33 * 1024;

const SALT_LEN: usize = 16;
const OUTPUT_LEN: usize = 32;

/// The most memory one hash may ask for, in KiB. An imported hash can carry any parameters; one
/// that would take the server down is refused instead.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// The most memory a hash may ask for that another system made, in KiB: whoever guesses at the password of
/// its owner makes the server use it, once for each core at a time.
const MAX_STORED_KIB: u32 = 128 * 1024;
/// The most passes over [`MAX_MEMORY_KIB`] worth of memory one hash may ask for.
const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;

/// The cost of a hash (RFC 9106 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes. They are computed one after the other here, so this only matters for attackers.
    pub parallelism: u32,
}

impl Default for PasswordParams {
    /// The first choice of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

/// What comparing a password with a stored hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The right password.
    Match,
    /// The right password, but hashed with other parameters than today's: hash it again now.
    MatchButOutdated,
    /// The wrong password, or nobody's.
    Mismatch,
}

/// Why a password could be neither hashed nor compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many sign-ins at once.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// The stored hash is unreadable or the computation failed.
    #[error("the password could not be checked")]
    Failed,
}

impl From<PoolError> for PasswordError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Full => Self::Busy,
            PoolError::Lost => Self::Failed,
        }
    }
}

/// Why the password pool could not start.
#[derive(Debug, thiserror::Error)]
pub enum PasswordSetupError {
    /// Parameters that Argon2 does not accept or that ask for too much.
    #[error(
        "these Argon2 parameters do not work: use at least 8 KiB of memory per lane and 1 iteration, at most 1 GiB in all"
    )]
    Parameters,
    /// The operating system gave no thread.
    #[error("the threads for password hashing could not be started")]
    Threads(#[from] std::io::Error),
}

/// The one form in which a password is hashed and compared: Unicode NFC, as the OpaqueString
/// profile of RFC 8265 section 4.2 asks, so that "é" typed on any keyboard is the same password.
pub fn normalize(password: &str) -> String {
    password.nfc().collect()
}

/// Hashes and compares passwords. Share one per process.
pub struct Passwords {
    pool: Pool<Hasher>,
}

impl Passwords {
    /// Starts `threads` threads (at least one), for at most `queue` (at least one) waiting
    /// passwords.
    pub fn new(
        params: PasswordParams,
        threads: usize,
        queue: usize,
    ) -> Result<Self, PasswordSetupError> {
        let params = checked(params).ok_or(PasswordSetupError::Parameters)?;
        let dummy: Arc<str> =
            dummy_hash(&params).map_err(|_| PasswordSetupError::Parameters)?.into();
        let workers = (0..threads.max(1)).map(|_| Hasher::new(params.clone(), Arc::clone(&dummy)));
        let habits = Habits { queue: queue.max(1), idle: IDLE, rest: Hasher::rest };
        Ok(Self { pool: Pool::start("password", workers.collect(), habits)? })
    }

    /// A new hash of `password` as a PHC string.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let password = Zeroizing::new(password);
        let hashed = self.pool.run(move |hasher| hasher.hash(&password));
        hashed.instrument(traces::part("password hash")).await?
    }

    /// Compares `password` with a stored PHC string. `None` stands for an unknown person or one
    /// without a password: the same work is done against a dummy hash, so that the answer takes
    /// equally long, and it is always [`Verdict::Mismatch`].
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<Verdict, PasswordError> {
        let password = Zeroizing::new(password);
        let verdict = self.pool.run(move |hasher| hasher.verify(&password, stored.as_deref()));
        verdict.instrument(traces::part("password verify")).await?
    }

    /// How many passwords wait for a thread.
    pub fn queue_length(&self) -> usize {
        self.pool.waiting()
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("queue_length", &self.queue_length()).finish()
    }
}

fn checked(params: PasswordParams) -> Option<Params> {
    let PasswordParams { memory_kib, iterations, parallelism } = params;
    let params = Params::new(memory_kib, iterations, parallelism, Some(OUTPUT_LEN)).ok()?;
    is_affordable(&params).then_some(params)
}

fn is_affordable(params: &Params) -> bool {
    params.m_cost() <= MAX_MEMORY_KIB
        && u64::from(params.m_cost()) * u64::from(params.t_cost()) <= MAX_WORK_KIB
}

/// A hash of no password, with the cost of a real one. Comparing with it is as much work as comparing
/// with any other; that the random output is ever computed is as likely as guessing it.
fn dummy_hash(params: &Params) -> Result<String, PasswordError> {
    phc(params, &random_bytes::<SALT_LEN>(), &random_bytes::<OUTPUT_LEN>())
}

/// A hash as text.
fn phc(params: &Params, salt: &[u8], output: &[u8]) -> Result<String, PasswordError> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| PasswordError::Failed)?,
        salt: Some(Salt::new(salt).map_err(|_| PasswordError::Failed)?),
        hash: Some(Output::new(output).map_err(|_| PasswordError::Failed)?),
    };
    Ok(hash.to_string())
}

/// One thread's share: the parameters and the memory it fills over and over.
struct Hasher {
    params: Params,
    memory: Vec<Block>,
    dummy: Arc<str>,
}

impl Hasher {
    fn new(params: Params, dummy: Arc<str>) -> Self {
        Self { params, memory: Vec::new(), dummy }
    }

    fn hash(&mut self, password: &str) -> Result<String, PasswordError> {
        let salt = random_bytes::<SALT_LEN>();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let mut output = [0; OUTPUT_LEN];
        self.compute(&argon2, Input { password, salt: &salt }, &mut output)?;
        phc(&self.params, &salt, &output)
    }

    /// Gives the memory back.
    fn rest(&mut self) {
        self.memory = Vec::new();
    }

    fn verify(&mut self, password: &str, stored: Option<&str>) -> Result<Verdict, PasswordError> {
        if let Some(text) = stored
            && let Some(hash) = Foreign::parse(text).map_err(|_| PasswordError::Failed)?
        {
            return Ok(compare(password, &hash));
        }
        let dummy = Arc::clone(&self.dummy);
        let parsed =
            PasswordHash::new(stored.unwrap_or(&dummy)).map_err(|_| PasswordError::Failed)?;
        let same = self.matches(password, &parsed)?;
        Ok(match (stored, same) {
            (None, _) | (_, false) => Verdict::Mismatch,
            (Some(_), true) if self.is_outdated(&parsed) => Verdict::MatchButOutdated,
            (Some(_), true) => Verdict::Match,
        })
    }

    fn matches(&mut self, password: &str, stored: &PasswordHash) -> Result<bool, PasswordError> {
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Err(PasswordError::Failed);
        };
        let algorithm =
            Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| PasswordError::Failed)?;
        let version = match stored.version {
            Some(number) => Version::try_from(number).map_err(|_| PasswordError::Failed)?,
            None => Version::default(),
        };
        let params = Params::try_from(stored).map_err(|_| PasswordError::Failed)?;
        // What was made here stays good when the parameters are lowered.
        if !is_affordable(&params) {
            return Err(PasswordError::Failed);
        }
        let argon2 = Argon2::new(algorithm, version, params);
        let mut output = vec![0; expected.len()];
        self.compute(&argon2, Input { password, salt: salt.as_ref() }, &mut output)?;
        Ok(output.ct_eq(expected.as_bytes()).into())
    }

    /// Whether a hash was made in another way than [`Hasher::hash`] would make it now.
    fn is_outdated(&self, stored: &PasswordHash) -> bool {
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        stored.algorithm != ARGON2ID_IDENT
            || stored.version != Some(Version::V0x13.into())
            || Params::try_from(stored).ok().as_ref().map(cost) != Some(cost(&self.params))
            || stored.salt.as_ref().is_none_or(|salt| salt.as_ref().len() < SALT_LEN)
            || stored.hash.as_ref().is_none_or(|hash| hash.len() != OUTPUT_LEN)
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        input: Input<'_>,
        output: &mut [u8],
    ) -> Result<(), PasswordError> {
        let password = Zeroizing::new(normalize(input.password));
        let needed = argon2.params().block_count();
        let usual = self.params.block_count();
        let mut foreign = Vec::new();
        // Memory beyond today's parameters, for an imported hash, is given back at once.
        let memory = if needed > usual { &mut foreign } else { &mut self.memory };
        // Without it the process would end where there is not as much memory.
        memory
            .try_reserve(needed.max(OWN_MAPPING).saturating_sub(memory.len()))
            .map_err(|_| PasswordError::Failed)?;
        memory.resize(needed.max(usual), Block::new());
        argon2
            .hash_password_into_with_memory(password.as_bytes(), input.salt, output, memory)
            .map_err(|_| PasswordError::Failed)
    }
}

/// Compares with a hash that another system made. It took the password as it was typed there, which need
/// not be the form in which it is hashed here.
fn compare(password: &str, hash: &Foreign) -> Verdict {
    let normal = Zeroizing::new(normalize(password));
    let same =
        hash.matches(normal.as_bytes()) || *normal != password && hash.matches(password.as_bytes());
    if same { Verdict::MatchButOutdated } else { Verdict::Mismatch }
}

/// The hash of an import as it is kept: of a kind that can be compared with, at a bearable cost.
///
/// # Errors
/// [`HashProblem`] otherwise.
pub fn accept(text: &str) -> Result<String, HashProblem> {
    let bare = foreign::bare(text);
    if Foreign::parse(bare)?.is_none() {
        let parsed = PasswordHash::new(bare).map_err(|_| HashProblem::Malformed)?;
        let params = Params::try_from(&parsed).map_err(|_| HashProblem::Malformed)?;
        let is_known = Algorithm::try_from(parsed.algorithm.as_str()).is_ok()
            && parsed.version.is_none_or(|number| Version::try_from(number).is_ok());
        if !is_known || parsed.salt.is_none() || parsed.hash.is_none() {
            return Err(HashProblem::Malformed);
        }
        if !is_affordable(&params) || params.m_cost() > MAX_STORED_KIB {
            return Err(HashProblem::TooCostly);
        }
    }
    Ok(bare.to_owned())
}

#[derive(Clone, Copy)]
struct Input<'a> {
    password: &'a str,
    salt: &'a [u8],
}

#[cfg(test)]
mod tests;
