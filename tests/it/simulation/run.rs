//! Lives through a world: moves the clock from event to event, does what is due, and crashes wherever it likes.
//!
//! A crash is a line to the database that ends at a chosen statement (see [`cut`](super::cut)), or jobs that are claimed by
//! somebody who is never heard of again; what comes after is a service that knows nothing of before. Where crashes fall is
//! of the seed, as all else is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gtm::accounts::commands::apply_next;
use gtm::app::{self, App};
use gtm::handoffs::commands::{Handoffs, KINDS};
use gtm::handoffs::import::Import;
use gtm::handoffs::types::HandoffTypes;
use gtm::kernel::clock::Clock;
use gtm::platform::audit::Signer;
use gtm::platform::db;
use gtm::platform::http::Platform;
use gtm::platform::jobs::{self, Lane};
use gtm::platform::lifecycle::Lifecycle;
use gtm::platform::outbox::{Outbox, OutboxSettings};
use gtm::settings::Settings;
use gtm::testing::TestDatabase;
use serde_json::{Value, json};
use uuid::Uuid;

use super::cut::{Cut, Line};
use super::model::{Away, Done, Hours};
use super::receiver::Receiver;
use super::world::{self, Chance, Event, HORIZON, Minute, Reps};

/// Rounds of work after which something goes round in a circle.
const ROUNDS_MAX: usize = 2_000;
/// The latest statement of a piece of work that a crash falls on; most have fewer, and end before.
const TRIPS_MAX: i64 = 40;

/// A world on the way.
pub struct Run {
    pub seed: u64,
    /// Crashes, or not.
    rough: bool,
    pub database: Arc<TestDatabase>,
    start: DateTime<Utc>,
    /// How the service reaches the database, and what it is cut off by.
    line: Line,
    /// How deliveries do.
    outbox_line: Line,
    pub app: App,
    /// Takes in what other systems tell, whatever becomes of the service behind it.
    front: App,
    outbox: Arc<Outbox>,
    pub receiver: Receiver,
    /// Where crashes fall.
    chance: Chance,
    pub agenda: BTreeMap<(Minute, usize), Event>,
    /// The handoffs by number.
    pub ids: BTreeMap<usize, Uuid>,
    known_turns: BTreeSet<(usize, i16)>,
    /// What people did, by handoff and turn.
    pub deeds: BTreeMap<(usize, i16), Vec<Done>>,
    /// When somebody at the customer was known.
    pub informed: BTreeMap<usize, Minute>,
    pub reps: Reps,
    pub hours: Hours,
    /// The absences, as the service names them.
    pub absences: Vec<Uuid>,
    /// Each crash, with what fell down and where.
    pub crashes: Vec<String>,
    /// Of the service that founded the company.
    pub signer: Signer,
    life: Lifecycle,
}

pub fn account(number: usize) -> String {
    format!("acc_{number:03}")
}

fn settings(database: &TestDatabase) -> Settings {
    Settings::load(None, [("DATABASE_URL".to_owned(), database.url())]).unwrap()
}

/// A service without workers, as after a start; over one connection, so that it does everything in one order.
async fn wired(database: &TestDatabase, line: &Line, clock: &Clock, outbox: &Arc<Outbox>) -> App {
    let pool = db::connect(line.options(), 1).await.unwrap();
    let platform = Platform::new(pool, clock.clone(), Lifecycle::new(), Signer::generate());
    let types = HandoffTypes::parse(world::TYPES).unwrap();
    app::wire(
        platform,
        types,
        world::plays(),
        Arc::default(),
        outbox.clone(),
        world::programmes(clock),
        &settings(database),
    )
    .0
}

impl Run {
    /// Founds the company and tells of the accounts.
    pub async fn found(seed: u64, handoffs: usize, rough: bool) -> Self {
        let database = Arc::new(gtm::testing::database().await);
        let (season, life) = (world::season(seed), Lifecycle::new());
        let start = season.start();
        let clock = Clock::manual(start);
        let (line, outbox_line) = (Line::to(&database.options), Line::to(&database.options));
        let receiver = Receiver::new(seed);
        let plans = OutboxSettings {
            // Nothing is added by chance to no time at all: when to try again is what the systems say.
            retry_schedule_secs: vec![0; 60],
            breaker_failures: u32::MAX,
            ..OutboxSettings::default()
        };
        let pool = db::connect(outbox_line.options(), 1).await.unwrap();
        let outbox = Arc::new(Outbox::new(pool, clock.clone(), plans, receiver.senders()).unwrap());
        let signer = Signer::generate();
        let platform = Platform::new(database.pool.clone(), clock.clone(), Lifecycle::new(), signer.clone());
        let types = HandoffTypes::parse(world::TYPES).unwrap();
        let (front, intake, _) = app::wire(
            platform,
            types,
            world::plays(),
            Arc::default(),
            outbox.clone(),
            world::programmes(&clock),
            &settings(&database),
        );
        let stop = life.soft().clone();
        drop(life.run(async move { intake.run(stop, |_| {}).await }));
        front.motions.policies.install_built_in(&database.pool, start).await.unwrap();
        let reps = world::founders();
        let hours = Hours {
            season,
            calendars: reps.iter().map(|(id, rep)| (*id, vec![(0, rep.calendar)])).collect(),
            away: Vec::new(),
            outages: world::outages(seed),
        };
        let plan = world::plan(seed, handoffs).into_iter().enumerate();
        // What comes while the service is down waits until it is back.
        let plan = plan.map(|(n, (minute, event))| ((hours.served(minute), n), event)).collect();
        let mut run = Self {
            seed,
            rough,
            app: wired(&database, &line, &clock, &outbox).await,
            start,
            line,
            outbox_line,
            front,
            outbox,
            receiver,
            database,
            chance: Chance::of(seed, 99, 0),
            agenda: plan,
            ids: BTreeMap::new(),
            known_turns: BTreeSet::new(),
            deeds: BTreeMap::new(),
            informed: BTreeMap::new(),
            reps,
            hours,
            absences: Vec::new(),
            crashes: Vec::new(),
            signer,
            life,
        };
        run.import_roster().await;
        for number in 0..handoffs {
            run.tell_of(number).await;
        }
        run
    }

    /// What is known of an account at first.
    async fn tell_of(&mut self, number: usize) {
        let (id, lead) = (account(number), world::lead(self.seed, number));
        let company = json!({"name": id, "employeeCount": 300, "ownerId": lead.owner});
        self.receive(number, "company", "gtm.account.upserted", &company).await;
        let need = json!({"text": "Month end takes a week", "kind": "pain_point"});
        self.receive(number, "need", "gtm.note.added", &need).await;
        if !lead.unknown {
            self.inform(number).await;
        }
    }

    /// Somebody at the customer is known from now on.
    pub async fn inform(&mut self, number: usize) {
        let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
        self.receive(number, "contact", "gtm.contact.upserted", &contact).await;
        let now = self.now();
        self.informed.insert(number, now);
    }

    /// Another system tells of an account; the same id is the same event.
    pub async fn receive(&mut self, number: usize, id: &str, kind: &str, data: &Value) {
        self.receive_at(number, id, kind, data, self.now()).await;
    }

    pub async fn receive_at(&mut self, number: usize, id: &str, kind: &str, data: &Value, minute: Minute) {
        let (subject, id) = (account(number), format!("{number} {id}"));
        let (text, time) = (data.to_string(), self.at(minute).to_rfc3339());
        let parts = gtm::accounts::EventParts {
            source: Some("/world"),
            id: Some(&id),
            event_type: Some(kind),
            subject: Some(&subject),
            time: Some(&time),
            content_type: None,
            data: Some(&text),
        };
        let event = gtm::accounts::Arrived::parse(parts, self.front.platform.clock.now()).unwrap();
        self.front.accounts.intake.take(vec![event.addressed().unwrap()], Lane::Normal).await.unwrap();
        self.apply().await;
    }

    /// Applies what came in, which may be cut off and done again.
    async fn apply(&mut self) {
        while self.rough && self.chance.one_in(4) {
            let (pool, now) = (self.app.platform.pool.clone(), self.handoffs().clock.now());
            let follower = self.app.accounts.follower.clone();
            let applying = async move { apply_next(&pool, follower.as_ref(), now).await };
            if self.cut_short("events", Box::pin(applying)).await.is_some() {
                break;
            }
        }
        let now = self.handoffs().clock.now();
        let follower = self.app.accounts.follower.as_ref();
        while apply_next(&self.app.platform.pool, follower, now).await.unwrap().events > 0 {}
    }

    /// Writes the roster as the world has it.
    pub async fn import_roster(&mut self) {
        let roster = serde_json::from_value(world::roster(self.hours.season, &self.reps)).unwrap();
        let import = Import { roster: Some(roster), files: Vec::new() };
        if self.rough && self.chance.one_in(2) {
            let handoffs = self.handoffs().clone();
            let (import, by) = (import.clone(), "test");
            self.cut_short(
                "roster",
                Box::pin(async move { handoffs.import_roster(&import, false, by).await }),
            )
            .await;
        }
        self.handoffs().import_roster(&import, false, "test").await.unwrap();
        let now = self.now();
        for (id, rep) in &self.reps {
            let known = self.hours.calendars.entry(id).or_default();
            if known.last().is_none_or(|(_, calendar)| *calendar != rep.calendar) {
                known.push((now, rep.calendar));
            }
        }
    }

    pub fn handoffs(&self) -> &Handoffs {
        &self.app.handoffs
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

    pub fn now(&self) -> Minute {
        self.minute(self.front.platform.clock.now())
    }

    pub fn is_rough(&self) -> bool {
        self.rough
    }

    pub fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    /// Lives through the whole world.
    pub async fn live(&mut self) {
        loop {
            let job = self.next_job().await.map(|minute| self.hours.served(minute));
            let next = [self.agenda.keys().next().map(|key| key.0), job];
            let Some(minute) = next.into_iter().flatten().min().filter(|minute| *minute <= HORIZON) else {
                break;
            };
            self.pass_to(minute);
            let mut looked = false;
            while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= minute) {
                let event = entry.remove();
                // People and systems do not wait until the service has looked; the seed says who is first.
                if !looked && !self.goes_first(&event) {
                    self.settle().await;
                    looked = true;
                }
                self.happen(event, !looked).await;
                self.settle().await;
                looked = true;
            }
            self.settle().await;
        }
        self.pass_to(HORIZON);
        self.settle().await;
        // Whatever fails so often, in the end it arrives.
        for minute in 1..=200 {
            self.pass_to(HORIZON + minute);
            self.deliver().await;
        }
        self.life.stop();
    }

    /// What is to be sent is sent also in the minutes in which nothing else is to be done.
    fn pass_to(&mut self, minute: Minute) {
        self.front.platform.clock.advance_to(self.at(minute));
    }

    /// When something is to be done, which may have been due before.
    async fn next_job(&self) -> Option<Minute> {
        let next: Option<DateTime<Utc>> =
            sqlx::query_scalar("SELECT min(due_at) FROM job WHERE kind = ANY ($1)")
                .bind(KINDS.as_slice())
                .fetch_one(&self.database.pool)
                .await
                .unwrap();
        next.map(|at| self.minute(at.max(self.front.platform.clock.now())))
    }

    /// Does everything that is due, then looks whether people are to react to it.
    pub async fn settle(&mut self) {
        for round in 0.. {
            assert!(round < ROUNDS_MAX, "the work of minute {} of seed {} never ends", self.now(), self.seed);
            if self.next_job().await.is_none_or(|minute| minute > self.now()) {
                break;
            }
            if self.rough && self.chance.one_in(5) {
                self.crash().await;
            } else {
                let done = Box::pin(self.handoffs().work_due()).await.unwrap();
                assert!(done > 0, "what is due cannot be claimed");
            }
        }
        self.deliver().await;
        self.notice().await;
        self.nobody_idle_while_something_waits().await;
    }

    /// Ends in the middle of the work, or just after somebody else claimed some of it; and starts anew.
    async fn crash(&mut self) {
        if self.chance.one_in(4) {
            let kind =
                KINDS[usize::try_from(self.chance.within(0, KINDS.len().try_into().unwrap())).unwrap()];
            let now = self.handoffs().clock.now();
            let mut conn = self.database.pool.acquire().await.unwrap();
            let claimed = jobs::claim(&mut conn, kind, now, 5).await.unwrap();
            drop(conn);
            self.crashes.push(format!("minute {}: {} of {kind} claimed", self.now(), claimed.len()));
            self.start_anew().await;
        } else {
            let handoffs = self.handoffs().clone();
            self.cut_short("work", Box::pin(async move { handoffs.work_due().await })).await;
        }
    }

    /// Does a piece of work up to a statement of it. None when it was cut off there, and the service has started anew.
    pub async fn cut_short<F: Future>(&mut self, what: &str, work: F) -> Option<F::Output> {
        let trips = u64::try_from(self.chance.within(0, TRIPS_MAX)).unwrap();
        let cut = Cut { trips, unheard: self.chance.one_in(2) };
        let done = self.line.cut_at(cut, work).await;
        if done.is_none() {
            self.crashes.push(format!("minute {}: {what} at {cut:?}", self.now()));
            self.start_anew().await;
        }
        done
    }

    /// Waits until the database has noticed the end, lets the leases run out, and starts a service that remembers nothing.
    async fn start_anew(&mut self) {
        self.app.platform.pool.close().await;
        self.gone().await;
        let pool = &self.database.pool;
        sqlx::query("UPDATE job SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL")
            .execute(pool)
            .await
            .unwrap();
        let clock = self.front.platform.clock.clone();
        self.app = wired(&self.database, &self.line, &clock, &self.outbox).await;
    }

    /// Waits until the database has noticed that nobody is there any more to go on with what they began.
    async fn gone(&self) {
        let busy = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle'
                      AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(busy).fetch_one(&self.database.pool).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Sends what is due, as often as it takes in this minute; dies now and then on the way.
    async fn deliver(&mut self) {
        loop {
            if self.rough && self.chance.one_in(12) {
                let trips = u64::try_from(self.chance.within(0, 8)).unwrap();
                let cut = Cut { trips, unheard: self.chance.one_in(2) };
                let outbox = self.outbox.clone();
                let sent = self.outbox_line.cut_at(cut, Box::pin(async move { outbox.step().await })).await;
                if sent.is_none() {
                    self.crashes.push(format!("minute {}: deliveries at {cut:?}", self.now()));
                    self.gone().await;
                    let leases =
                        "UPDATE delivery SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL";
                    sqlx::query(leases).execute(&self.database.pool).await.unwrap();
                    continue;
                }
            }
            if self.outbox.step().await.unwrap() == 0 {
                return;
            }
        }
    }

    /// Turns that are new: their owners react as the seed has it.
    async fn notice(&mut self) {
        let turns: Vec<(Uuid, i16, DateTime<Utc>)> = sqlx::query_as(
            "SELECT handoff_id, number, assigned_at FROM handoff_turn WHERE ended_at IS NULL ORDER BY 1, 2",
        )
        .fetch_all(&self.database.pool)
        .await
        .unwrap();
        for (id, turn, at) in turns {
            let Some((&number, _)) = self.ids.iter().find(|(_, known)| **known == id) else { continue };
            if !self.known_turns.insert((number, turn)) {
                continue;
            }
            let from = self.minute(at);
            for (after, deed) in world::reactions(self.seed, number, turn) {
                // What happens in one minute happens in the order of handoffs, and after what was planned.
                let minute = self.hours.served(from + after);
                let mut order = 1_000_000 + number * 100;
                while self.agenda.contains_key(&(minute, order)) {
                    order += 1;
                }
                self.agenda.insert((minute, order), Event::Act(number, turn, deed));
            }
        }
    }

    /// Who is there and has room, with so much open: worked out from the world.
    pub fn able(&self, rep: &str, open: &BTreeMap<String, i64>) -> bool {
        let now = self.now();
        self.hours.at_work(rep, now) && !self.hours.is_away(rep, now) && self.has_room(rep, open)
    }

    pub fn has_room(&self, rep: &str, open: &BTreeMap<String, i64>) -> bool {
        let capacity = self.reps.get(rep).and_then(|rep| rep.capacity);
        capacity.is_none_or(|most| open.get(rep).copied().unwrap_or(0) < i64::from(most))
    }

    /// How much everybody has open.
    pub async fn open(&self) -> BTreeMap<String, i64> {
        let open: Vec<(String, i64)> = sqlx::query_as(
            "SELECT owner_id, count(*) FROM handoff
             WHERE status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked') GROUP BY 1",
        )
        .fetch_all(&self.database.pool)
        .await
        .unwrap();
        open.into_iter().collect()
    }

    /// Who can take what waits has been given it.
    async fn nobody_idle_while_something_waits(&self) {
        let waiting: Vec<(Uuid, Value)> =
            sqlx::query_as("SELECT id, request -> 'lostBy' FROM handoff WHERE status = 'pending'")
                .fetch_all(&self.database.pool)
                .await
                .unwrap();
        if waiting.is_empty() {
            return;
        }
        let open = self.open().await;
        for rep in self.reps.keys().filter(|rep| **rep != world::MANAGER && self.able(rep, &open)) {
            for (id, lost_by) in &waiting {
                let lost = lost_by.as_array().unwrap().contains(&json!(rep));
                let (now, seed) = (self.now(), self.seed);
                assert!(lost, "minute {now} of seed {seed}: {id} waits though {rep} could take it");
            }
        }
    }
}

/// Whether a person was away as the world has it.
pub fn is_away(away: &[Away], rep: &str, from: Minute, to: Minute) -> bool {
    away.iter().any(|away| away.rep == rep && away.from < to && from < away.to)
}
