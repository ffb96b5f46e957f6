//! What every handler may reach: the state that the router of the service carries.

use sqlx::PgPool;

use crate::kernel::clock::Clock;
use crate::platform::keys::Keys;
use crate::platform::lifecycle::Lifecycle;

/// The machinery behind the handlers. Cheap to clone. The state of the service holds one and gives it out by
/// `FromRef` (`#[derive(FromRef)]`); a handler that needs nothing else takes `State<Platform>`.
#[derive(Clone)]
pub struct Platform {
    /// The database.
    pub pool: PgPool,
    /// The present instant.
    pub clock: Clock,
    /// Who calls.
    pub keys: Keys,
    /// Work that outlives a request.
    pub life: Lifecycle,
}

impl Platform {
    /// The machinery over a database, with a life of its own.
    pub fn new(pool: PgPool, clock: Clock, life: Lifecycle) -> Self {
        Self { keys: Keys::new(pool.clone(), clock.clone()), pool, clock, life }
    }
}
