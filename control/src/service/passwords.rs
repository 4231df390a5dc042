//! Hashing and checking passwords (argon2id), a bounded number at a time and off the async threads.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::domain::error::DomainError;
use crate::domain::password::PasswordHash;

/// Memory one hash takes, in KiB; two passes, one lane: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
/// Callers that may wait for a core. At some 30 ms a hash and two cores this is a wait of about two seconds; who comes
/// later is told to come back instead of queueing behind an attack.
const WAITING_MAX: usize = 128;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashCost {
    /// For real passwords.
    Full,
    /// For tests, which hash often and protect nothing.
    Least,
}

/// The hashing pool.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    /// One permit per core: hashing more at once only takes memory.
    cores: Arc<Semaphore>,
    /// Callers hashing or waiting.
    queue: Arc<Semaphore>,
}

impl Passwords {
    /// A pool as wide as the machine.
    pub fn new(cost: HashCost) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let params = match cost {
            HashCost::Full => Params::new(MEMORY_KIB, 2, 1, None),
            HashCost::Least => Params::new(Params::MIN_M_COST, 1, 1, None),
        };
        Self {
            params: params.expect("the parameters are constants within argon2's bounds"),
            cores: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores + WAITING_MAX)),
        }
    }

    /// Hashes a password with a fresh salt.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, DomainError> {
        let (argon, password) = (self.argon(), password.to_owned());
        let phc =
            self.run(move || argon.hash_password(password.as_bytes()).map(|phc| phc.to_string())).await?;
        match phc {
            Ok(phc) => Ok(PasswordHash::from_phc(phc)),
            Err(error) => {
                tracing::error!(%error, "a password could not be hashed");
                Err(DomainError::Internal)
            }
        }
    }

    /// Whether the password belongs to the hash. A hash that cannot be read belongs to none.
    pub async fn matches(&self, password: &str, hash: &PasswordHash) -> Result<bool, DomainError> {
        let (argon, password, phc) = (self.argon(), password.to_owned(), hash.as_phc().to_owned());
        self.run(move || argon.verify_password(password.as_bytes(), phc.as_str()).is_ok()).await
    }

    fn argon(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DomainError> {
        let _place = self.queue.try_acquire().map_err(|_| DomainError::Unavailable)?;
        let _core = self.cores.acquire().await.map_err(|_| DomainError::Unavailable)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| DomainError::Internal)
    }
}
