//! Everybody who acts on changes of accounts, one after the other, in the transaction of the change.

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use crate::accounts::commands::Move;
use crate::accounts::{Batch, Follower};
use crate::kernel::clock::DateTime;

/// Followers in the order in which they act.
pub(super) struct Followers(pub Vec<Box<dyn Follower>>);

impl Follower for Followers {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a mut Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            for follower in &self.0 {
                follower.after_apply(conn, batch, now).await?;
            }
            Ok(())
        })
    }

    fn after_move<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        moves: &'a [Move],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            for follower in &self.0 {
                follower.after_move(conn, moves).await?;
            }
            Ok(())
        })
    }

    fn after_commit(&self, batch: Option<&Batch>) {
        for follower in &self.0 {
            follower.after_commit(batch);
        }
    }
}
