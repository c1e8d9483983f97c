//! Hashes of passwords and PINs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use arise_core::{Error, Result};
use sha2::{Digest, Sha256};
use thread_priority::ThreadPriority;
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Those who wait for their turn before more of them are kept from joining the queue.
const QUEUE: usize = 256;

/// One hash at a time, on a thread that gives way to every other: each takes tens of milliseconds of a core and 19 MiB,
/// and a storm of logins must not keep marks waiting.
pub(crate) struct Hasher(mpsc::Sender<Job>);

/// What a typed password is, compared with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right, but the hash is of an older kind and should be made anew.
    RightButOld,
    Wrong,
}

impl Hasher {
    /// # Errors
    /// `internal` when the system has no thread to give.
    pub(crate) fn start() -> Result<Self> {
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let run = move || {
            // Where that isn't allowed logins take their turns with everything else.
            let _ = ThreadPriority::Min.set_for_current();
            while let Some(job) = jobs.blocking_recv() {
                // A panic was printed by its hook, and is the end of this job only.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        };
        let started = std::thread::Builder::new().name("arise-hasher".into()).spawn(run);
        started.map(|_| Self(sender)).map_err(|e| Error::internal(format!("no thread for hashing: {e}")))
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash_blocking(&password)).await?
    }

    /// `None` for an account that doesn't exist, which takes as long as one that does.
    pub(crate) async fn verify(&self, hash: Option<String>, typed: String) -> Result<Verdict> {
        self.run(move || match hash {
            Some(hash) => verify(&hash, &typed),
            None => {
                verify(NOBODY, &typed);
                Verdict::Wrong
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (done, answer) = oneshot::channel();
        let job = move || {
            // Nobody waits any more for what was given up.
            if !done.is_closed() {
                let _ = done.send(job());
            }
        };
        self.0.send(Box::new(job)).await.map_err(|_| Error::internal("the hasher has ended"))?;
        answer.await.map_err(|_| Error::internal("a password couldn't be hashed"))
    }
}

/// A hash of nothing anybody can type, with the same cost as a real one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// argon2id with 19 MiB and two passes (RFC 9106; the OWASP minimum), as a PHC string.
///
/// # Errors
/// `internal` when the system has no randomness.
pub fn hash_blocking(password: &str) -> Result<String> {
    let params = Params::new(19_456, 2, 1, None).map_err(|e| Error::internal(e.to_string()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(format!("a password couldn't be hashed: {e}")))
}

/// Hashes of the system that arise succeeds are bcrypt, or SHA-256 in 64 hex digits.
fn verify(hash: &str, typed: &str) -> Verdict {
    let (right, old) = if hash.starts_with("$argon2") {
        let right = PasswordHash::new(hash)
            .is_ok_and(|parsed| Argon2::default().verify_password(typed.as_bytes(), &parsed).is_ok());
        (right, false)
    } else if hash.starts_with("$2") {
        (bcrypt::verify(typed, hash).unwrap_or(false), true)
    } else {
        let print = hex::encode(Sha256::digest(typed));
        (hash.len() == 64 && hash.eq_ignore_ascii_case(&print), true)
    };
    match (right, old) {
        (true, false) => Verdict::Right,
        (true, true) => Verdict::RightButOld,
        (false, _) => Verdict::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_hashes() {
        let new = hash_blocking("123456").unwrap();
        assert_eq!(verify(&new, "123456"), Verdict::Right);
        assert_eq!(verify(&new, "123457"), Verdict::Wrong);
        let bcrypt = bcrypt::hash("123456", 4).unwrap();
        assert_eq!(verify(&bcrypt, "123456"), Verdict::RightButOld);
        assert_eq!(verify(&bcrypt, ""), Verdict::Wrong);
        let sha = "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92";
        assert_eq!(verify(sha, "123456"), Verdict::RightButOld);
        assert_eq!(verify(sha, "654321"), Verdict::Wrong);
        assert_eq!(verify("", ""), Verdict::Wrong);
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
