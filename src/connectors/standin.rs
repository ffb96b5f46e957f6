//! Several systems for one destination: the first serves, the others stand in where it surely took nothing.
//!
//! Promises: a delivery that may have arrived somewhere is not handed to another system, so that nobody hears twice of
//! the same thing because one of them was slow.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::platform::outbox::{Outgoing, Sender, Sent, Unsent};

/// Senders in the order in which they are asked; there is at least one.
pub(super) struct StandIn {
    pub first: Arc<dyn Sender>,
    pub others: Vec<Arc<dyn Sender>>,
}

impl Sender for StandIn {
    fn provider(&self) -> &'static str {
        self.first.provider()
    }

    fn serves(&self, destination: &str) -> bool {
        self.first.serves(destination)
    }

    fn in_order(&self) -> bool {
        self.first.in_order()
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(async move {
            let refused = match self.first.send(outgoing).await {
                Err(refused) if !outgoing.unsure && refused.down && !refused.unsure => refused,
                ended => return ended,
            };
            for other in &self.others {
                match other.send(outgoing).await {
                    Ok(sent) => {
                        tracing::warn!(
                            delivery = %outgoing.id, by = other.provider(), instead_of = self.provider(),
                            why = refused.error, "another system stood in"
                        );
                        return Ok(Sent { by: Some(other.provider()), ..sent });
                    }
                    Err(unsent) if unsent.unsure => return Err(unsent),
                    Err(unsent) => {
                        tracing::warn!(by = other.provider(), why = unsent.error, "it cannot stand in");
                    }
                }
            }
            Err(refused)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::kernel::clock::DateTime;
    use crate::platform::outbox::Next;

    struct Own(&'static str, fn() -> Result<Sent, Unsent>, AtomicU32);

    impl Sender for Own {
        fn provider(&self) -> &'static str {
            self.0
        }

        fn send<'a>(&'a self, _: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
            self.2.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { (self.1)() })
        }
    }

    fn limited() -> Result<Sent, Unsent> {
        let next = Next::Rest(chrono::TimeDelta::hours(1));
        Err(Unsent { status: Some(429), error: "no more today".to_owned(), next, down: true, unsure: false })
    }

    fn lost() -> Result<Sent, Unsent> {
        Err(Unsent::unanswered("no answer in time"))
    }

    fn wrong() -> Result<Sent, Unsent> {
        Err(Unsent::never("no such address"))
    }

    async fn asked(
        first: fn() -> Result<Sent, Unsent>,
        second: fn() -> Result<Sent, Unsent>,
        unsure: bool,
    ) -> (Result<Sent, Unsent>, u32) {
        let other = Arc::new(Own("second", second, AtomicU32::new(0)));
        let both =
            StandIn { first: Arc::new(Own("first", first, AtomicU32::new(0))), others: vec![other.clone()] };
        let outgoing = Outgoing {
            id: uuid::Uuid::nil(),
            account_id: "a",
            destination: "email/briefing",
            payload: "{}",
            attempts: 1,
            unsure,
            now: DateTime::UNIX_EPOCH,
        };
        let ended = both.send(outgoing).await;
        (ended, other.2.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn another_stands_in_only_where_the_first_surely_took_nothing() {
        let well: fn() -> Result<Sent, Unsent> = || Ok(Sent::of(250));
        let (ended, second) = asked(limited, well, false).await;
        assert_eq!((ended, second), (Ok(Sent { status: Some(250), by: Some("second") }), 1));
        assert_eq!(asked(limited, limited, false).await, (limited(), 1), "the first's trouble is told");
        assert_eq!(asked(limited, lost, false).await, (lost(), 1), "it may have arrived by the second");
        for (first, unsure) in [(lost as fn() -> _, false), (wrong, false), (limited, true)] {
            let (ended, second) = asked(first, well, unsure).await;
            assert_eq!((ended, second), (first(), 0));
        }
        assert_eq!(asked(well, limited, false).await, (Ok(Sent::of(250)), 0));
    }
}
