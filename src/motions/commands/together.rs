//! Deciding about many accounts at once: a group of them shares one transaction.
//!
//! Promises: an ask is answered exactly as it would be alone, and fails alone; a group waits for nobody (an account
//! that somebody is busy with has its turn afterwards, on its own); asks about the same account are answered one
//! after the other. Requests that arrive together share a group, so that the cost of a transaction is paid once
//! for many of them; one that arrives alone waits for nobody.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::orchestrate::{Ask, Decided};
use super::{MotionError, Motions};
use crate::accounts;
use crate::platform::db;

/// How many accounts one transaction decides about at the most: their locks are held until it commits.
pub(super) const GROUP_MAX: usize = 32;
/// How many asks that found their account busy are answered side by side.
const ALONE_SIDE_BY_SIDE: usize = 4;
/// How many asks may wait for the next group before callers wait at the door.
const QUEUE_MAX: usize = 1_024;
/// How often a worker with nothing to do shows that it lives.
const IDLE_BEAT: Duration = Duration::from_secs(10);

type Answer = Result<Decided, MotionError>;

struct Waiting {
    ask: Ask,
    reply: oneshot::Sender<Answer>,
}

/// Where requests queue up for their decision. Cloning gives another handle to the same queue.
#[derive(Clone)]
pub struct Desk {
    queue: mpsc::Sender<Waiting>,
}

/// The part of the desk that a background task runs.
#[derive(Clone)]
pub struct DeskWorker {
    queue: Arc<Mutex<mpsc::Receiver<Waiting>>>,
}

/// The desk and the worker behind it; each clone of the worker has one group in flight.
pub fn open() -> (Desk, DeskWorker) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    (Desk { queue: sender }, DeskWorker { queue: Arc::new(Mutex::new(receiver)) })
}

impl Desk {
    pub(super) async fn ask(&self, ask: Ask) -> Answer {
        let (reply, answer) = oneshot::channel();
        let sent = self.queue.send(Waiting { ask, reply }).await;
        sent.map_err(|_| MotionError::Stopping)?;
        answer.await.unwrap_or(Err(MotionError::Unanswered))
    }
}

impl DeskWorker {
    /// Answers group after group until told to stop; what was asked by then is still answered.
    pub async fn run(self, motions: Motions, stop: CancellationToken, beat: impl Fn(bool)) {
        let mut late = JoinSet::new();
        loop {
            // Given up while waiting, its turn at the queue and nothing else is lost.
            let group = match tokio::time::timeout(IDLE_BEAT, self.next_group(&stop)).await {
                Ok(Some(group)) => group,
                Ok(None) => break,
                Err(_) => Vec::new(),
            };
            beat(true);
            for waiting in motions.answer(group).await {
                let motions = motions.clone();
                late.spawn(async move {
                    let answer = motions.orchestrate_alone(&waiting.ask).await;
                    // A caller who has gone away has no use for the answer; what was decided stands.
                    let _ = waiting.reply.send(answer);
                });
            }
            while late.try_join_next().is_some() {}
        }
        late.join_all().await;
    }

    /// The next ask and all that have queued up behind it, up to the size of a group.
    async fn next_group(&self, stop: &CancellationToken) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock().await;
        let first = tokio::select! {
            biased;
            first = queue.recv() => first?,
            () = stop.cancelled() => {
                queue.close();
                queue.recv().await?
            }
        };
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        Some(group)
    }
}

impl Motions {
    /// Decides about accounts; gives the answers in the order of the asks. Previews are decided one by one, because
    /// nothing of them is kept.
    pub async fn orchestrate_together(&self, asks: &[Ask]) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = asks.iter().map(|_| None).collect();
        for group in groups(asks) {
            let chosen: Vec<&Ask> = group.iter().map(|&at| &asks[at]).collect();
            for (at, decided) in group.iter().zip(self.decide_group(&chosen).await) {
                answers[*at] = decided.map(Ok);
            }
            let left = group.iter().copied().filter(|&at| answers[at].is_none());
            let alone: Vec<(usize, Answer)> = stream::iter(left.collect::<Vec<_>>())
                .map(|at| async move { (at, self.orchestrate_alone(&asks[at]).await) })
                .buffer_unordered(ALONE_SIDE_BY_SIDE)
                .collect()
                .await;
            for (at, answer) in alone {
                answers[at] = Some(answer);
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Err(MotionError::Unanswered))).collect()
    }

    /// Answers those that a shared transaction can answer; gives back the others.
    async fn answer(&self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        let mut named = BTreeSet::new();
        let (first, mut left): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|one| named.insert(one.ask.account_id.clone()));
        let asks: Vec<&Ask> = first.iter().map(|one| &one.ask).collect();
        let decided = self.decide_group(&asks).await;
        for (one, decided) in first.into_iter().zip(decided) {
            match decided {
                Some(decided) => {
                    // A caller who has gone away has no use for the answer; what was decided stands.
                    let _ = one.reply.send(Ok(decided));
                }
                None => left.push(one),
            }
        }
        left
    }

    /// Decides about accounts, each named once, in one transaction; nothing for those that have to be decided about
    /// alone: because somebody is busy with them, because nobody has heard of them, or because the group failed,
    /// which must not be the fault of all.
    async fn decide_group(&self, asks: &[&Ask]) -> Vec<Option<Decided>> {
        let none = || asks.iter().map(|_| None).collect();
        if asks.len() < 2 || asks.iter().any(|ask| ask.dry_run) {
            return none();
        }
        // Not even a panic over one account may take the others with it, or the worker.
        match AssertUnwindSafe(self.try_group(asks)).catch_unwind().await {
            Ok(Ok(decided)) => decided,
            Ok(Err(error)) => {
                tracing::debug!(%error, accounts = asks.len(), "a group failed; each account is decided about alone");
                none()
            }
            Err(_) => {
                tracing::error!(
                    accounts = asks.len(),
                    "a group panicked; each account is decided about alone"
                );
                none()
            }
        }
    }

    async fn try_group(&self, asks: &[&Ask]) -> Result<Vec<Option<Decided>>, MotionError> {
        let ids: Vec<String> = asks.iter().map(|ask| ask.account_id.clone()).collect();
        let mut tx = db::begin(&self.pool).await?;
        let follower = self.accounts.follower.as_ref();
        let current =
            accounts::commands::lock_current_idle(&mut tx, &ids, follower, self.clock.now()).await?;
        // Read under the locks: see `orchestrate_once`.
        let now = self.clock.now();
        let asked: HashMap<&str, &Ask> = asks.iter().map(|ask| (ask.account_id.as_str(), *ask)).collect();
        let looks: Vec<_> = current.iter().map(|one| (one, asked[one.account_id.as_str()])).collect();
        let decided = self.decide_all(&mut tx, &looks, now).await?;
        tx.commit().await?;
        if decided.iter().any(|one| one.recorded) {
            self.ring();
        }
        let mut by_account: HashMap<&str, Decided> =
            current.iter().map(|one| one.account_id.as_str()).zip(decided).collect();
        Ok(asks.iter().map(|ask| by_account.remove(ask.account_id.as_str())).collect())
    }
}

/// The asks in groups in which no account is named twice, by their positions; the asks about one account keep
/// their order.
fn groups(asks: &[Ask]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // For each account, the first group that may take it.
    let mut from: HashMap<&str, usize> = HashMap::new();
    for (at, ask) in asks.iter().enumerate() {
        let earliest = from.get(ask.account_id.as_str()).copied().unwrap_or_default();
        let open = (earliest..groups.len()).find(|&group| groups[group].len() < GROUP_MAX);
        let group = open.unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(at);
        from.insert(&ask.account_id, group + 1);
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::motions::commands::Trigger;

    fn ask(account: usize) -> Ask {
        Ask {
            account_id: format!("acc_{account}"),
            trigger: Trigger::Api,
            dry_run: false,
            policy_version: None,
            actor: "test".to_owned(),
            answer: None,
        }
    }

    proptest! {
        #[test]
        fn groups_hold_each_ask_once_and_no_account_twice(accounts in prop::collection::vec(0_usize..40, 0..200)) {
            let asks: Vec<Ask> = accounts.iter().map(|&account| ask(account)).collect();
            let groups = groups(&asks);
            let mut all: Vec<usize> = groups.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..asks.len()).collect::<Vec<_>>());
            let mut last: HashMap<usize, (usize, usize)> = HashMap::new();
            for (number, group) in groups.iter().enumerate() {
                prop_assert!(group.len() <= GROUP_MAX);
                for &at in group {
                    if let Some((before, group_before)) = last.insert(accounts[at], (at, number)) {
                        prop_assert!(before < at && group_before < number, "asks about one account keep their order");
                    }
                }
            }
        }
    }
}
