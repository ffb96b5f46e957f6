//! The transaction around one decision.
//!
//! Round trips of a decision that executes: begin, lock the account, read its guards, write everything, append
//! to the audit chain, ask for the wake-up (only when time alone can change the outcome), commit.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::reason::Reason;
use super::{EVALUATE, MotionError, Motions};
use crate::accounts::{self, Current};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::kernel::ids::new_id;
use crate::motions::decide::{Decision, Effect, Verdict, decide};
use crate::motions::document::{DecisionDocument, Meta, document, skill_payload};
use crate::motions::model::{Ledger, Motion, Outcome, Signals};
use crate::motions::policy::Policy;
use crate::motions::recheck::{DECISION_RECORDED, digest};
use crate::motions::signals;
use crate::motions::store::{self, Guards, NewClaim, NewConflict, NewDecision, NewDelivery};
use crate::platform::audit;
use crate::platform::db;
use crate::platform::http::Claim;
use crate::platform::jobs::{self, Lane, NewJob};

/// Touches are read this far back; a policy's window is at most this long.
pub(super) const TOUCHES_READ: TimeDelta = TimeDelta::days(31);
/// A motion that another replica took in between is seen by asking again; more often than this it is a fault.
const RACES_MAX: usize = 5;

/// Why an account is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Api,
    Bulk,
    Event,
    Wake,
    Sweep,
    Resolution,
}

impl Trigger {
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Bulk => "bulk",
            Self::Event => "event",
            Self::Wake => "wake",
            Self::Sweep => "sweep",
            Self::Resolution => "resolution",
        }
    }

    /// Somebody asked and gets an answer that is on record; the service's own looks are recorded only when
    /// they do something or say something new.
    fn always_recorded(self) -> bool {
        match self {
            Self::Api | Self::Bulk | Self::Resolution => true,
            Self::Event | Self::Wake | Self::Sweep => false,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub account_id: &'a str,
    pub trigger: Trigger,
    /// Write nothing; only say what would be decided.
    pub dry_run: bool,
    /// Decide by this version instead of the one in force (previews only).
    pub policy_version: Option<&'a str>,
    /// Who asks, for the audit log.
    pub actor: &'a str,
    /// Where the answer is kept for a repeat of the request, in the transaction of the decision.
    pub answer: Option<&'a Claim>,
}

/// What was decided.
#[derive(Debug)]
pub struct Decided {
    pub document: DecisionDocument,
    /// False for a preview, and for a look that found nothing new.
    pub recorded: bool,
}

/// What a decision would be made of.
#[derive(Debug)]
pub struct Seen {
    pub signals: Signals,
    pub ledger: Ledger,
    pub policy_version: String,
    pub now: DateTime,
}

/// Everything that a decision was made of.
struct Considered<'a> {
    meta: &'a Meta,
    policy: &'a Policy,
    signals: &'a Signals,
    ledger: &'a Ledger,
    decision: &'a Decision,
    guards: &'a Guards,
    now: DateTime,
}

impl Motions {
    /// Decides about one account and does what follows.
    pub async fn orchestrate(&self, ask: &Ask<'_>) -> Result<Decided, MotionError> {
        let mut races = 0;
        loop {
            match self.orchestrate_once(ask).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn orchestrate_once(&self, ask: &Ask<'_>) -> Result<Decided, MotionError> {
        let mut tx = db::begin(&self.pool).await?;
        let follower = self.accounts.follower.as_ref();
        let current = accounts::commands::lock_current(&mut tx, ask.account_id, follower, self.clock.now())
            .await?
            .ok_or_else(|| MotionError::NoAccount(ask.account_id.to_owned()))?;
        // Read under the lock, which may have been long in coming: the decisions of an account, and its audit
        // chain, are in the order of their instants.
        let now = self.clock.now();
        let decided = self.decide_in(&mut tx, &current, ask, now).await?;
        if ask.dry_run {
            // Even the events that were applied to see the newest state wait for their own turn.
            tx.rollback().await?;
        } else {
            if let Some(claim) = ask.answer {
                claim.keep(&mut tx, StatusCode::OK, &decided.document).await.map_err(MotionError::Answer)?;
            }
            tx.commit().await?;
            if decided.recorded {
                self.deliver.notify_one();
            }
        }
        Ok(decided)
    }

    /// What a decision would see now; nothing is written.
    pub async fn look(&self, account_id: &str) -> Result<Seen, MotionError> {
        let now = self.clock.now();
        let (current, _) = accounts::commands::view(&self.accounts, account_id)
            .await?
            .ok_or_else(|| MotionError::NoAccount(account_id.to_owned()))?;
        let mut conn = self.pool.acquire().await?;
        let guards = store::guards(&mut conn, account_id, now - TOUCHES_READ, now).await?;
        let policy_version = guards.policy_version.clone().ok_or(MotionError::NoneActive)?;
        let policy = self.policies.get(&mut conn, &policy_version).await?;
        let signals = signals::derive(policy.definitions(), &current.state, now);
        Ok(Seen { signals, ledger: guards.ledger(&current.state), policy_version, now })
    }

    /// Decides about an account that the caller has locked, inside the caller's transaction.
    pub(super) async fn decide_in(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        ask: &Ask<'_>,
        now: DateTime,
    ) -> Result<Decided, MotionError> {
        let guards = store::guards(conn, &current.account_id, now - TOUCHES_READ, now).await?;
        let in_force = guards.policy_version.as_deref().ok_or(MotionError::NoneActive)?;
        let policy = self.policies.get(conn, ask.policy_version.unwrap_or(in_force)).await?;
        if ask.policy_version.is_none() {
            self.policies.note_latest(&policy);
        }
        let signals = signals::derive(policy.definitions(), &current.state, now);
        let ledger = guards.ledger(&current.state);
        let decision = decide(&policy, &signals, &ledger, now);
        let meta = Meta {
            account_id: AccountId::parse(current.account_id.clone())?,
            decision_id: new_id(now),
            dry_run: ask.dry_run,
        };
        let document = document(&policy, &signals, &ledger, &decision, &meta);
        let considered = Considered {
            meta: &meta,
            policy: &policy,
            signals: &signals,
            ledger: &ledger,
            decision: &decision,
            guards: &guards,
            now,
        };
        if ask.dry_run {
            return Ok(Decided { document, recorded: false });
        }
        let fingerprint = fingerprint(&decision, &policy);
        let same = guards.latest.as_ref().is_some_and(|latest| latest.fingerprint == fingerprint);
        // What is executed is done now, even when the latest decision did the same: its hold is over since.
        let executed = decision.outcome == Outcome::Executed;
        let recorded = ask.trigger.always_recorded() || executed || !same;
        if recorded {
            write(conn, ask, &considered, &document, &fingerprint).await?;
        } else {
            store::note_evaluated(conn, std::slice::from_ref(&current.account_id), now).await?;
        }
        self.wake_later(conn, &current.account_id, decision.wake_at, now).await?;
        Ok(Decided { document, recorded })
    }

    /// Asks for another look at the instant at which time alone can change the outcome.
    async fn wake_later(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
        wake_at: Option<DateTime>,
        now: DateTime,
    ) -> Result<(), MotionError> {
        let Some(at) = wake_at else { return Ok(()) };
        jobs::enqueue(conn, EVALUATE, &[wake(account_id, at, now)], now).await?;
        Ok(())
    }
}

/// The job that looks at an account again at an instant.
pub(super) fn wake(account_id: &str, at: DateTime, now: DateTime) -> NewJob {
    NewJob {
        key: account_id.to_owned(),
        payload: Reason::Wake.payload(),
        lane: Lane::Normal,
        due_at: at.max(now),
    }
}

/// Writes a decision with all its consequences and its place in the audit chain.
async fn write(
    conn: &mut PgConnection,
    ask: &Ask<'_>,
    considered: &Considered<'_>,
    document: &DecisionDocument,
    fingerprint: &str,
) -> Result<(), MotionError> {
    let (now, account_id) = (considered.now, ask.account_id);
    let id = document.decision_id;
    release(conn, account_id, considered).await?;
    let text = serde_json::to_string(document)?;
    let ledger = serde_json::to_string(considered.ledger)?;
    let effects = &considered.decision.effects;
    let new = NewDecision {
        account_id,
        id,
        decided_at: now,
        policy_version: considered.policy.version(),
        trigger: ask.trigger.name(),
        outcome: considered.decision.outcome.name(),
        motion: document.recommendation.motion.map(Motion::name),
        exit_state: &document.exit_state,
        matched_rule: &document.matched_rule,
        confidence: document.recommendation.confidence,
        document: &text,
        ledger: &ledger,
        resumes: resumes(considered),
        fingerprint,
        claim: claim(considered, &document.recommendation.reasoning),
        touch: effects.contains(&Effect::Touch).then(|| new_id(now)),
        deliveries: deliveries(considered)?,
        conflict: conflict(considered, document),
    };
    store::record(conn, &new).await?;
    let entry = audit::Entry::new(
        ask.actor,
        DECISION_RECORDED,
        format!("decision:{id}"),
        json!({
            "outcome": new.outcome,
            "motion": new.motion,
            "policyVersion": new.policy_version,
            "trigger": new.trigger,
            "decision": digest(&text),
            "ledger": digest(&ledger),
        }),
    );
    audit::append_to(conn, &considered.guards.chain, now, &[entry]).await?;
    Ok(())
}

/// The hold that the decision takes.
fn claim<'a>(considered: &Considered<'_>, reasoning: &'a str) -> Option<NewClaim<'a>> {
    considered.decision.effects.iter().find_map(|effect| match effect {
        Effect::Claim { expires_at, pairs, .. } => Some(NewClaim {
            id: new_id(considered.now),
            expires_at: *expires_at,
            reasoning,
            pairs: pairs.iter().map(ToString::to_string).collect(),
        }),
        _ => None,
    })
}

/// The calls of downstream skills, each with its body: written once, sent as often as it takes.
fn deliveries(considered: &Considered<'_>) -> Result<Vec<NewDelivery>, serde_json::Error> {
    let skills = considered.decision.effects.iter().filter_map(|effect| match effect {
        Effect::CallSkill { skill } => Some(skill),
        _ => None,
    });
    skills
        .map(|skill| {
            let body = json!({
                "type": skill,
                "timestamp": considered.now,
                "data": skill_payload(
                    considered.policy, skill, considered.signals, considered.ledger, considered.decision,
                    considered.meta,
                ),
            });
            Ok(NewDelivery {
                id: new_id(considered.now),
                destination: skill.to_string(),
                payload: serde_json::to_string(&body)?,
            })
        })
        .collect()
}

/// The question for `RevOps`.
fn conflict<'a>(considered: &'a Considered<'_>, document: &'a DecisionDocument) -> Option<NewConflict<'a>> {
    considered.decision.effects.iter().find_map(|effect| match effect {
        Effect::OpenConflict { holder_claim, holder, .. } => Some(NewConflict {
            id: new_id(considered.now),
            holder_claim: *holder_claim,
            holder_motion: holder.name(),
            holder_reason: considered
                .ledger
                .claims
                .iter()
                .find(|claim| claim.id == *holder_claim)
                .map_or("", |claim| &claim.reasoning),
            wanted_reason: &document.recommendation.reasoning,
        }),
        _ => None,
    })
}

/// Frees the account from claims that are over and from the holder that `RevOps` switched away from, before
/// the new claim is taken.
async fn release(
    conn: &mut PgConnection,
    account_id: &str,
    considered: &Considered<'_>,
) -> Result<(), MotionError> {
    let now = considered.now;
    let effects = &considered.decision.effects;
    let claims = effects.iter().any(|effect| matches!(effect, Effect::Claim { .. }));
    let switched: Vec<Uuid> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Release { claim_id } => Some(*claim_id),
            _ => None,
        })
        .collect();
    if !switched.is_empty() {
        store::release_claims(conn, account_id, &switched, "switched", now).await?;
    }
    let expired: Vec<Uuid> = considered
        .guards
        .claims
        .iter()
        .filter(|claim| claim.expires_at <= now)
        .map(|claim| claim.id)
        .collect();
    if claims && !expired.is_empty() {
        store::release_claims(conn, account_id, &expired, "expired", now).await?;
    }
    if !switched.is_empty() || !expired.is_empty() {
        store::lapse_conflicts(conn, account_id, now).await?;
    }
    Ok(())
}

/// What a decision says, without when and on which numbers: a look that says the same as the latest decision
/// is not put on record again.
pub(super) fn fingerprint(decision: &Decision, policy: &Policy) -> String {
    let failed = decision
        .guardrails
        .iter()
        .filter(|guardrail| guardrail.verdict == Verdict::Failed)
        .map(|guardrail| guardrail.id.name());
    let motion = decision.motion.map_or("none", Motion::name);
    let rule = policy.branches().get(decision.matched).map_or("", |branch| branch.id.as_str());
    let mut text = format!("{}:{motion}:{rule}", decision.outcome.name());
    for id in failed {
        text.push(':');
        text.push_str(id);
    }
    text
}

/// The deferred, blocked or conflicting decision that this one resumes.
fn resumes(considered: &Considered<'_>) -> Option<Uuid> {
    let latest = considered.guards.latest.as_ref()?;
    let waited = matches!(latest.outcome.as_str(), "deferred" | "blocked" | "conflict");
    let goes_on = matches!(considered.decision.outcome, Outcome::Executed | Outcome::Continued);
    (waited && goes_on).then_some(latest.decision_id)
}
