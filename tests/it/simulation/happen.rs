//! What happens to a service from outside: calls, events, edits, absences.

use std::collections::BTreeMap;

use gtm::handoffs::commands::{Authority, Deed as Act, HandoffError, NewAbsence, OpenAsk};
use gtm::handoffs::lifecycle::Action;
use serde_json::json;
use uuid::Uuid;

use super::model::{Away, Done};
use super::run::{Run, account, is_away};
use super::truths::late_before;
use super::world::{self, Chance, Deed, Event, Minute};

impl Run {
    /// Whether something is done before the service has looked what is due in its minute.
    pub fn goes_first(&self, event: &Event) -> bool {
        match event {
            Event::Act(number, turn, _) => {
                Chance::of(self.seed, 5 + u64::from(turn.unsigned_abs()), *number as u64).one_in(2)
            }
            _ => false,
        }
    }

    pub async fn happen(&mut self, event: Event, first: bool) {
        match event {
            Event::Open(number) => self.open_one(number).await,
            Event::OpenAgain(number, same) => self.open_again(number, same).await,
            Event::Inform(number) => self.inform(number).await,
            Event::Leave(rep, length, cover) => self.leave(rep, length, cover).await,
            Event::Return(rep) => self.come_back(rep).await,
            Event::Edit(edit) => {
                edit.apply(&mut self.reps);
                self.import_roster().await;
            }
            Event::Act(number, turn, deed) => self.act(number, turn, deed, first).await,
        }
    }

    async fn leave(&mut self, rep: &'static str, length: Minute, cover: Option<&'static str>) {
        let now = self.now();
        // Nobody stands in who is away too: covers must not lead in a circle.
        let cover = cover.filter(|cover| !is_away(&self.hours.away, cover, now, now + length));
        let new = NewAbsence {
            from: self.at(now),
            to: Some(self.at(now + length)),
            cover: cover.map(str::to_owned),
            note: None,
        };
        let noted = self.handoffs().add_absence(rep, new, &Authority::Everybody, "test").await;
        self.absences.push(noted.unwrap().id);
        self.hours.away.push(Away { rep, from: now, to: now + length, cover });
    }

    async fn come_back(&mut self, rep: &'static str) {
        let now = self.now();
        let Some(at) = self.hours.away.iter().rposition(|away| away.rep == rep && away.to > now) else {
            return;
        };
        self.handoffs().end_absence(rep, self.absences[at], &Authority::Everybody, "test").await.unwrap();
        self.hours.away[at].to = now;
    }

    async fn open_one(&mut self, number: usize) {
        let lead = world::lead(self.seed, number);
        let kind = if lead.office { "office" } else { "clock" };
        let open = self.open().await;
        if lead.by_event {
            self.receive(number, "intent", "gtm.intent.observed", &json!({"kind": kind})).await;
            self.settle().await;
        } else {
            let ask = OpenAsk {
                handoff_type: kind.to_owned(),
                account_id: account(number),
                deal_id: None,
                from_team: None,
                to_team: None,
                owner_id: None,
                skills: std::collections::BTreeSet::new(),
                dry_run: false,
                cause: format!("test:{number}"),
                decision_id: None,
                requested_by: "test".to_owned(),
            };
            // Asks until it is answered, as whoever is cut off does.
            while self.is_rough() && self.chance().one_in(3) {
                let (handoffs, ask) = (self.handoffs().clone(), ask.clone());
                self.cut_short("open", Box::pin(async move { handoffs.open(&ask).await })).await;
            }
            Box::pin(self.handoffs().open(&ask)).await.unwrap();
        }
        let found = "SELECT id, status, owner_id, held_for IS NULL FROM handoff WHERE account_id = $1";
        let found: Vec<(Uuid, String, Option<String>, bool)> =
            sqlx::query_as(found).bind(account(number)).fetch_all(&self.database.pool).await.unwrap();
        assert_eq!(found.len(), 1, "handoff {number} of seed {}, once: {found:?}", self.seed);
        let (id, status, owner, complete) = &found[0];
        assert_eq!(*complete, !lead.unknown || status != "held");
        self.ids.insert(number, *id);
        self.check_owner(number, lead.owner, owner.as_deref(), &open);
    }

    /// The owner of the account is asked first, or who stands in; whoever it was, they were able to take it.
    fn check_owner(
        &self,
        number: usize,
        of_account: Option<&str>,
        owner: Option<&str>,
        open: &BTreeMap<String, i64>,
    ) {
        let now = self.now();
        let place = format!("handoff {number} at minute {now} of seed {}", self.seed);
        let Some(owner) = owner else { return };
        assert!(self.able(owner, open), "{place}: {owner} cannot take it");
        let Some(first) = of_account else { return };
        let stands_in = || {
            let away = self.hours.away.iter().rfind(|away| away.rep == first && away.holds(now))?;
            away.cover.filter(|cover| self.able(cover, open))
        };
        let expected = if self.able(first, open) { Some(first) } else { stands_in() };
        if let Some(expected) = expected {
            assert_eq!(owner, expected, "{place}: it is {first}'s account");
        }
    }

    async fn open_again(&mut self, number: usize, same: bool) {
        let kind = if world::lead(self.seed, number).office { "office" } else { "clock" };
        let id = if same { "intent" } else { "another intent" };
        let closed = "SELECT closed_at IS NOT NULL FROM handoff WHERE id = $1";
        let over: bool =
            sqlx::query_scalar(closed).bind(self.ids[&number]).fetch_one(&self.database.pool).await.unwrap();
        // Asked for once more after it is over, it would be another one.
        if same || !over {
            self.receive(number, id, "gtm.intent.observed", &json!({"kind": kind})).await;
        }
    }

    async fn act(&mut self, number: usize, turn: i16, deed: Deed, first: bool) {
        let id = self.ids[&number];
        let stands = "SELECT h.created_at, h.question IS NOT NULL, h.contacted_at IS NOT NULL FROM handoff_turn t JOIN handoff h
                        ON h.account_id = t.account_id AND h.id = t.handoff_id
                      WHERE t.handoff_id = $1 AND t.number = $2 AND t.ended_at IS NULL";
        let stands: Option<(chrono::DateTime<chrono::Utc>, bool, bool)> =
            sqlx::query_as(stands).bind(id).bind(turn).fetch_optional(&self.database.pool).await.unwrap();
        let Some((created_at, asked, contacted)) = stands else { return };
        let (now, minute) = (self.handoffs().clock.now(), self.now());
        let fits = match deed {
            Deed::RollBack => now <= created_at + chrono::TimeDelta::minutes(30),
            Deed::Ask => !asked && !contacted,
            Deed::Answer => asked,
            _ => true,
        };
        // Time may have run out already, and nobody has looked: then it is not that turn any more.
        if !fits || first && self.has_run_out(number, turn).await {
            return;
        }
        let action = match deed {
            Deed::Acknowledge => Action::Acknowledge,
            Deed::Ask => Action::Ask { question: "Which plan?".to_owned() },
            Deed::Answer => Action::Answer { answer: Some("Team".to_owned()) },
            Deed::Contact => Action::Contact { at: now },
            Deed::Meeting => Action::Meeting { at: now },
            Deed::Convert => Action::Convert { nps: None },
            Deed::Lose => Action::Lose { reason: None },
            Deed::Reject => Action::Reject { reason: "not mine".to_owned(), reroute: true },
            Deed::Cancel => Action::Cancel { reason: None },
            Deed::RollBack => Action::RollBack { reason: None },
            Deed::ContactReported(before) => {
                return self.report(number, turn, deed, "contacted", before, first).await;
            }
            Deed::ConvertReported => return self.report(number, turn, deed, "converted", 0, first).await,
        };
        let done = Act::new(action, "test");
        // What changes nothing when it is said again may be cut off and said again.
        let once = matches!(deed, Deed::Reject | Deed::Ask | Deed::Answer);
        if self.is_rough() && !once && self.chance().one_in(4) {
            let (handoffs, done) = (self.handoffs().clone(), done.clone());
            self.cut_short("act", Box::pin(async move { handoffs.act(id, &done).await })).await;
        }
        match Box::pin(self.handoffs().act(id, &done)).await {
            Ok(_) => self.note(number, turn, deed, minute, first),
            Err(HandoffError::Refused(refused)) => {
                panic!("handoff {number}, turn {turn}, {deed:?}: {refused}")
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Another system says what became of it.
    async fn report(
        &mut self,
        number: usize,
        turn: i16,
        deed: Deed,
        outcome: &str,
        before: Minute,
        first: bool,
    ) {
        let now = self.now();
        let said = json!({"handoffId": self.ids[&number], "outcome": outcome});
        let id = format!("{outcome} {turn}");
        self.receive_at(number, &id, "gtm.handoff.outcome", &said, now - before).await;
        // The event is noted by the background work, which looks at clocks before it.
        let _ = first;
        self.note(number, turn, deed, now, false);
    }

    fn note(&mut self, number: usize, turn: i16, deed: Deed, at: Minute, first: bool) {
        self.deeds.entry((number, turn)).or_default().push(Done { at, deed, first });
    }

    /// Whether a turn is over by its clock before this minute.
    async fn has_run_out(&self, number: usize, turn: i16) -> bool {
        let mut turns = self.turns(self.ids[&number]).await;
        let late = late_before(&turns, turn);
        let Some(row) = turns.drain(..).find(|row| row.number == turn) else { return true };
        let course = self.turn(number, &row, late).course(&self.hours, self.now() - 1);
        course.1.is_some_and(|end| end.0 == "late")
    }
}
