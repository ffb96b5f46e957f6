//! Lives through a world: moves the clock from event to event, does what is due, and crashes wherever it likes.
//!
//! A crash is a future that is dropped at any of its waits, or jobs that are claimed by somebody who is never heard of
//! again; what comes after is a service that knows nothing of before. Where a crash falls depends on the machine, what the
//! world looks like afterwards must not.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use gtm::app;
use gtm::handoffs::assign::names::RepId;
use gtm::handoffs::commands::{Authority, Deed as Done, HandoffError, Handoffs, KINDS, NewAbsence, OpenAsk};
use gtm::handoffs::handoff::TurnEnd;
use gtm::handoffs::lifecycle::Action;
use gtm::handoffs::types::HandoffTypes;
use gtm::kernel::clock::Clock;
use gtm::platform::audit::Signer;
use gtm::platform::db;
use gtm::platform::http::Platform;
use gtm::platform::jobs;
use gtm::platform::lifecycle::Lifecycle;
use gtm::platform::outbox::Outbox;
use gtm::settings::Settings;
use gtm::testing::TestDatabase;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::Away;
use super::world::{self, Chance, Deed, Event, HORIZON, Minute};
use crate::harness::Service;
use crate::stories::event;

/// Rounds of work after which something goes round in a circle.
const ROUNDS_MAX: usize = 2_000;

/// A world on the way.
pub struct Run {
    seed: u64,
    /// Crashes, or not.
    rough: bool,
    pub database: Arc<TestDatabase>,
    start: DateTime<Utc>,
    handoffs: Handoffs,
    outbox: Arc<Outbox>,
    /// Where crashes fall.
    chance: Chance,
    agenda: BTreeMap<(Minute, usize), Event>,
    /// The handoffs by number.
    pub ids: BTreeMap<usize, Uuid>,
    known_turns: BTreeSet<(usize, i16)>,
    /// What people did, by handoff and turn.
    pub deeds: BTreeMap<(usize, i16), Vec<(Minute, Deed)>>,
    pub away: Vec<(Uuid, Away)>,
    pub crashes: usize,
    /// Of the service that founded the company.
    pub signer: Signer,
}

pub fn account(number: usize) -> String {
    format!("acc_{number:03}")
}

/// Polls a future so often; gone when it has not come to its end by then.
async fn cut_short<F: Future>(future: F, polls: i64) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// A service without workers, as after a start, with connections of its own.
async fn wired(database: &TestDatabase, clock: &Clock, outbox: &Arc<Outbox>) -> Handoffs {
    let settings = settings(database);
    let pool = db::connect(database.options.clone(), 4).await.unwrap();
    let platform = Platform::new(pool, clock.clone(), Lifecycle::new(), Signer::generate());
    let types = HandoffTypes::parse(world::TYPES).unwrap();
    app::wire(platform, types, Arc::default(), outbox.clone(), &settings).0.handoffs.clone()
}

fn settings(database: &TestDatabase) -> Settings {
    Settings::load(None, [("DATABASE_URL".to_owned(), database.url())]).unwrap()
}

impl Run {
    /// Founds the company and tells of the accounts.
    pub async fn found(seed: u64, handoffs: usize, rough: bool) -> Self {
        let service = Service::sandbox().await;
        let now = service.now();
        let monday = now.date_naive() + TimeDelta::days(7 - i64::from(now.weekday().num_days_from_monday()));
        let start = monday.and_hms_opt(0, 0, 0).unwrap().and_utc();
        let roster = world::roster(|day| (monday + TimeDelta::days(day)).to_string());
        service.send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
        let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
        let need = json!({"text": "Month end takes a week", "kind": "pain_point"});
        let facts: Vec<Value> = (0..handoffs)
            .map(account)
            .flat_map(|id| {
                [
                    event("gtm.account.upserted", &id, json!({"name": id, "employeeCount": 300})),
                    event("gtm.contact.upserted", &id, contact.clone()),
                    event("gtm.note.added", &id, need.clone()),
                ]
            })
            .collect();
        service.events(&facts).await;
        service.until_applied().await;
        let signer = Signer::load_or_create(service.data().signing_key().as_ref()).unwrap();
        let database = service.database.clone();
        service.stop().await;
        let clock = Clock::manual(start);
        // Made once, because nothing is delivered here and it takes long.
        let outbox = settings(&database).outbox;
        let outbox = Arc::new(Outbox::new(database.pool.clone(), clock.clone(), outbox, []).unwrap());
        let plan = world::plan(seed, handoffs).into_iter().enumerate();
        Self {
            seed,
            rough,
            handoffs: wired(&database, &clock, &outbox).await,
            outbox,
            database,
            start,
            chance: Chance::of(seed, 99, 0),
            agenda: plan.map(|(n, (minute, event))| ((minute, n), event)).collect(),
            ids: BTreeMap::new(),
            known_turns: BTreeSet::new(),
            deeds: BTreeMap::new(),
            away: Vec::new(),
            crashes: 0,
            signer,
        }
    }

    pub fn at(&self, minute: Minute) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(minute)
    }

    /// The minute of an instant, which is a whole one.
    pub fn minute(&self, at: DateTime<Utc>) -> Minute {
        let since = at - self.start;
        assert_eq!(since, TimeDelta::minutes(since.num_minutes()), "{at} is no whole minute");
        since.num_minutes()
    }

    fn now(&self) -> Minute {
        self.minute(self.handoffs.clock.now())
    }

    /// Lives through the whole world.
    pub async fn live(&mut self) {
        loop {
            let next = [self.agenda.keys().next().map(|key| key.0), self.next_job().await];
            let Some(minute) = next.into_iter().flatten().min().filter(|minute| *minute <= HORIZON) else {
                break;
            };
            self.handoffs.clock.advance_to(self.at(minute));
            self.settle().await;
            while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= minute) {
                let event = entry.remove();
                self.happen(event).await;
                self.settle().await;
            }
        }
        self.handoffs.clock.advance_to(self.at(HORIZON));
        self.settle().await;
    }

    /// When something is to be done, which may have been due before.
    async fn next_job(&self) -> Option<Minute> {
        let next: Option<DateTime<Utc>> =
            sqlx::query_scalar("SELECT min(due_at) FROM job WHERE kind = ANY ($1)")
                .bind(KINDS.as_slice())
                .fetch_one(&self.database.pool)
                .await
                .unwrap();
        next.map(|at| self.minute(at.max(self.handoffs.clock.now())))
    }

    /// Does everything that is due, then looks whether people are to react to it.
    async fn settle(&mut self) {
        for round in 0.. {
            assert!(round < ROUNDS_MAX, "the work of minute {} of seed {} never ends", self.now(), self.seed);
            if self.next_job().await.is_none_or(|minute| minute > self.now()) {
                break;
            }
            if self.rough && self.chance.one_in(5) {
                self.crash().await;
            } else {
                assert!(
                    Box::pin(self.handoffs.work_due()).await.unwrap() > 0,
                    "what is due cannot be claimed"
                );
            }
        }
        self.notice().await;
        self.nobody_idle_while_something_waits().await;
    }

    /// Ends in the middle of the work, or just after somebody else claimed some of it; and starts anew.
    async fn crash(&mut self) {
        let begun = if self.chance.one_in(4) {
            let kind =
                KINDS[usize::try_from(self.chance.within(0, KINDS.len().try_into().unwrap())).unwrap()];
            let mut conn = self.database.pool.acquire().await.unwrap();
            jobs::claim(&mut conn, kind, self.handoffs.clock.now(), 5).await.unwrap();
            None
        } else {
            let polls = self.chance.within(0, 60);
            cut_short(Box::pin(self.handoffs.work_due()), polls).await
        };
        if begun.is_none() {
            self.crashes += 1;
            self.start_anew().await;
        }
    }

    /// Waits until the database has noticed the end, lets the leases run out, and starts a service that remembers nothing.
    async fn start_anew(&mut self) {
        let pool = &self.database.pool;
        self.handoffs.pool.close().await;
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND backend_type = 'client backend'";
        while sqlx::query_scalar::<_, i64>(others).fetch_one(pool).await.unwrap() > i64::from(pool.size()) {
            tokio::task::yield_now().await;
        }
        sqlx::query("UPDATE job SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL")
            .execute(pool)
            .await
            .unwrap();
        self.handoffs = wired(&self.database, &self.handoffs.clock, &self.outbox).await;
    }

    /// Turns that are new: their owners react as the seed has it.
    async fn notice(&mut self) {
        let turns: Vec<(Uuid, i16, DateTime<Utc>)> =
            sqlx::query_as("SELECT handoff_id, number, assigned_at FROM handoff_turn WHERE ended_at IS NULL")
                .fetch_all(&self.database.pool)
                .await
                .unwrap();
        for (id, turn, at) in turns {
            let (&number, _) = self.ids.iter().find(|(_, known)| **known == id).unwrap();
            if !self.known_turns.insert((number, turn)) {
                continue;
            }
            let from = self.minute(at);
            for (after, deed) in world::reactions(self.seed, number, turn) {
                // What happens in one minute happens in the order of handoffs, and after what was planned.
                let order = 1_000_000 + number * 100 + self.agenda.len() % 100;
                self.agenda.insert((from + after, order), Event::Act(number, turn, deed));
            }
        }
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Open(number) => self.open(number).await,
            Event::Leave(rep, length) => {
                let now = self.now();
                let new = NewAbsence {
                    from: self.at(now),
                    to: Some(self.at(now + length)),
                    cover: None,
                    note: None,
                };
                let noted = self.handoffs.add_absence(rep, new, &Authority::Everybody, "test").await.unwrap();
                self.away.push((noted.id, Away { rep, from: now, to: now + length }));
            }
            Event::Return(rep) => {
                let now = self.now();
                let away = self.away.iter_mut().rfind(|(_, away)| away.rep == rep && away.to > now);
                if let Some((id, away)) = away {
                    self.handoffs.end_absence(rep, *id, &Authority::Everybody, "test").await.unwrap();
                    away.to = now;
                }
            }
            Event::Act(number, turn, deed) => self.act(number, turn, deed).await,
        }
    }

    /// Asks until it is answered, as whoever is cut off does.
    async fn open(&mut self, number: usize) {
        let ask = OpenAsk {
            handoff_type: world::handoff_type(self.seed, number).to_owned(),
            account_id: account(number),
            deal_id: None,
            from_team: None,
            to_team: None,
            owner_id: None,
            dry_run: false,
            cause: format!("test:{number}"),
            decision_id: None,
            requested_by: "test".to_owned(),
        };
        while self.rough && self.chance.one_in(3) {
            let polls = self.chance.within(0, 80);
            if cut_short(Box::pin(self.handoffs.open(&ask)), polls).await.is_none() {
                self.crashes += 1;
                self.start_anew().await;
            }
        }
        let opened = Box::pin(self.handoffs.open(&ask)).await.unwrap();
        self.ids.insert(number, opened.handoff.id);
    }

    async fn act(&mut self, number: usize, turn: i16, deed: Deed) {
        let id = self.ids[&number];
        let runs =
            "SELECT count(*) FROM handoff_turn WHERE handoff_id = $1 AND number = $2 AND ended_at IS NULL";
        let runs: i64 =
            sqlx::query_scalar(runs).bind(id).bind(turn).fetch_one(&self.database.pool).await.unwrap();
        if runs == 0 {
            return;
        }
        let (now, minute) = (self.handoffs.clock.now(), self.now());
        let action = match deed {
            Deed::Acknowledge => Action::Acknowledge,
            Deed::Contact => Action::Contact { at: now },
            Deed::Meeting => Action::Meeting { at: now },
            Deed::Convert => Action::Convert { nps: None },
            Deed::Lose => Action::Lose { reason: None },
            Deed::Reject => Action::Reject { reason: "not mine".to_owned(), reroute: true },
            Deed::Cancel => Action::Cancel { reason: None },
        };
        let done = Done::new(action, "test");
        // What changes nothing when it is said again may be cut off and said again.
        if self.rough && deed != Deed::Reject && self.chance.one_in(4) {
            let polls = self.chance.within(0, 40);
            if cut_short(Box::pin(self.handoffs.act(id, &done)), polls).await.is_none() {
                self.crashes += 1;
                self.start_anew().await;
            }
        }
        match Box::pin(self.handoffs.act(id, &done)).await {
            Ok(_) => self.deeds.entry((number, turn)).or_default().push((minute, deed)),
            Err(HandoffError::Refused(refused)) => {
                panic!("handoff {number}, turn {turn}, {deed:?}: {refused}")
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Who can take what waits has been given it: worked out from the calendars of the world.
    async fn nobody_idle_while_something_waits(&self) {
        let now = self.now();
        let waiting: Vec<(Uuid, Value)> =
            sqlx::query_as("SELECT id, request -> 'lostBy' FROM handoff WHERE status = 'pending'")
                .fetch_all(&self.database.pool)
                .await
                .unwrap();
        if waiting.is_empty() {
            return;
        }
        let open: Vec<(String, i64)> = sqlx::query_as(
            "SELECT owner_id, count(*) FROM handoff
             WHERE status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked') GROUP BY 1",
        )
        .fetch_all(&self.database.pool)
        .await
        .unwrap();
        let open: BTreeMap<&str, i64> = open.iter().map(|(owner, count)| (owner.as_str(), *count)).collect();
        let able = |rep: &&world::Rep| {
            rep.id != world::MANAGER
                && world::at_work(rep, now)
                && !self
                    .away
                    .iter()
                    .any(|(_, away)| away.rep == rep.id && (away.from..away.to).contains(&now))
                && rep.capacity.is_none_or(|most| open.get(rep.id).copied().unwrap_or(0) < i64::from(most))
        };
        for rep in world::REPS.iter().filter(able) {
            let name = RepId::parse(rep.id).unwrap();
            for (id, lost_by) in &waiting {
                let lost = lost_by.as_array().unwrap().contains(&json!(name));
                assert!(
                    lost,
                    "minute {now} of seed {}: {id} waits though {} could take it",
                    self.seed, rep.id
                );
            }
        }
    }
}

/// The names of ends as the model has them.
pub fn ended(reason: &str) -> &'static str {
    [TurnEnd::Closed, TurnEnd::Rejected, TurnEnd::Late, TurnEnd::Cancelled]
        .into_iter()
        .map(TurnEnd::name)
        .find(|name| *name == reason)
        .unwrap_or_else(|| panic!("nobody ended a turn as {reason}"))
}
