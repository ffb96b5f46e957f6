//! How people of a role hear of something. Routing knows no people; whoever does is handed over by the application.

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use super::MotionError;
use crate::kernel::clock::DateTime;

/// Something that the people of a role have to know.
#[derive(Debug)]
pub struct Notice<'a> {
    pub role: &'a str,
    pub title: &'a str,
    pub body: String,
    /// Where more of it is to be read.
    pub path: &'a str,
}

/// Whoever knows who holds a role.
pub trait Tell: Send + Sync {
    /// Writes the delivery in the caller's transaction.
    fn tell<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        notice: &'a Notice<'a>,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), MotionError>>;
}
