//! Who calls, and what they may do.
//!
//! A handler states its need in its signature: `caller: Scoped<scope::EventsWrite>`; where either of two scopes will do,
//! `Scoped<Either<…, …>>`. The same need stands in the `OpenAPI` document (`security(("api_key" = ["events:write"]))`, one
//! entry for each scope that will do), and [`super::contract`] enforces the document before any handler runs; a route
//! whose document says nothing is refused at start. So a forgotten check leaves a route closed, never open.
//!
//! Promises: no key or a dead one is 401 with a challenge; a live key without the scope is 403 naming the scope.
//! `admin` covers every scope. Timing tells nothing about keys: they are found by the SHA-256 of what was sent, so no
//! comparison ever runs along a secret. Leaves out: where keys come from ([`crate::platform::keys`]), and webhooks,
//! which prove themselves by signature and declare `security(())`.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Platform;
use super::observe::Facts;
use super::problem::Problem;
use crate::kernel::text::nearest;

macro_rules! scopes {
    ($($variant:ident $text:literal $doc:literal,)*) => {
        /// What a key may be used for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum Scope {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)*
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The scope as it is written in requests and in the document.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The scope of this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        /// Types that name a scope, for [`Scoped`].
        pub mod scope {
            use super::{Scope, Needs};
            $(
                #[doc = $doc]
                #[derive(Debug, Clone, Copy)]
                pub struct $variant;
                impl Needs for $variant {
                    const SCOPES: &'static [Scope] = &[Scope::$variant];
                }
            )*
        }
    };
}

scopes! {
    EventsWrite "events:write" "Send events and change accounts.",
    DecisionsRead "decisions:read" "Read accounts, decisions and conflicts.",
    DecisionsWrite "decisions:write" "Orchestrate, replay and resolve conflicts.",
    HandoffsRead "handoffs:read" "Read handoffs and their figures.",
    HandoffsWrite "handoffs:write" "Make handoffs and move them on.",
    PlansRead "plans:read" "Read plans and their documents.",
    PlansWrite "plans:write" "Make, change and approve plans; work on tasks.",
    ConfigRead "config:read" "Read policies and routing configuration.",
    ConfigWrite "config:write" "Change policies and routing configuration.",
    AuditRead "audit:read" "Read and verify the audit log.",
    Admin "admin" "Everything, and the keys themselves.",
}

impl Scope {
    /// The refusal of a name that is no scope.
    pub fn unknown(text: &str) -> String {
        match nearest(text, Self::ALL.iter().map(|scope| scope.as_str())) {
            Some(near) => format!("{text:?} is no scope; did you mean {near}?"),
            None => format!("{text:?} is no scope"),
        }
    }
}

/// A type that names the scopes of which a handler needs one.
pub trait Needs: Send + Sync + 'static {
    /// The scopes, the usual one first.
    const SCOPES: &'static [Scope];
}

/// Either of two scopes; the handler finds out what the one at hand is enough for.
#[derive(Debug, Clone, Copy)]
pub struct Either<A, B>(PhantomData<(A, B)>);

impl<A: Needs, B: Needs> Needs for Either<A, B> {
    const SCOPES: &'static [Scope] = &[A::SCOPES[0], B::SCOPES[0]];
}

/// Whoever holds the key of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key, by its public id.
    pub key_id: Uuid,
    /// The name its maker gave it.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The rep whom it acts for, in the maker's words: nobody checked that there is one.
    pub rep_id: Option<String>,
}

impl Caller {
    /// Whether the caller may do what needs `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&Scope::Admin) || self.scopes.contains(&scope)
    }

    /// Refuses a caller who has none of these scopes.
    ///
    /// # Errors
    /// 403 `scope_missing`, which names the first of them.
    pub fn require(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if scopes.iter().any(|scope| self.may(*scope)) {
            return Ok(());
        }
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        Err(Problem::forbidden("scope_missing", format!("This key lacks the scope {}.", names.join(" or ")))
            .member("requiredScope", names.first().copied().unwrap_or_default()))
    }

    /// The caller as the actor of an audit entry.
    pub fn actor(&self) -> String {
        format!("key:{}", self.key_id)
    }
}

/// The caller of a request, proven to hold the scope `N`.
#[derive(Debug, Clone)]
pub struct Scoped<N>(Arc<Caller>, PhantomData<N>);

impl<N> Scoped<N> {
    /// The caller, for handing on.
    pub fn caller(&self) -> Arc<Caller> {
        Arc::clone(&self.0)
    }
}

impl<N> Deref for Scoped<N> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S, N> FromRequestParts<S> for Scoped<N>
where
    S: Send + Sync,
    N: Needs,
    Platform: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = identify(parts, &Platform::from_ref(state)).await?;
        caller.require(N::SCOPES)?;
        Ok(Self(caller, PhantomData))
    }
}

/// The caller of a request, whatever the key may be used for: for what finds out by itself what it is enough for.
#[derive(Debug, Clone)]
pub struct Known(pub Arc<Caller>);

impl<S> FromRequestParts<S> for Known
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        identify(parts, &Platform::from_ref(state)).await.map(Self)
    }
}

/// The caller of a request: as the layers found it, else by its key.
pub(super) async fn identify(parts: &mut Parts, platform: &Platform) -> Result<Arc<Caller>, Problem> {
    if let Some(caller) = parts.extensions.get::<Arc<Caller>>() {
        return Ok(Arc::clone(caller));
    }
    let caller = platform.keys.caller(bearer(&parts.headers)?).await?;
    if let Some(facts) = parts.extensions.get::<Arc<Facts>>() {
        // Set once per request; a second time would be the same key.
        let _ = facts.key.set(caller.key_id);
    }
    parts.extensions.insert(Arc::clone(&caller));
    Ok(caller)
}

/// The key of a request.
///
/// # Errors
/// 401 when there is none or the header is not a bearer key.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let header = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Problem::unauthorized("This call needs a key: send Authorization: Bearer <key>."))?;
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim()),
        _ => Err(Problem::unauthorized("The Authorization header is not of the form: Bearer <key>.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_covers_every_scope_and_others_only_themselves() {
        let caller = |scopes: &[Scope]| Caller {
            key_id: Uuid::nil(),
            label: "t".into(),
            scopes: scopes.to_vec(),
            rep_id: None,
        };
        assert!(Scope::ALL.iter().all(|scope| caller(&[Scope::Admin]).may(*scope)));
        let reader = caller(&[Scope::AuditRead]);
        assert!(reader.require(&[Scope::AuditRead]).is_ok());
        let refusal = reader.require(&[Scope::EventsWrite]).unwrap_err();
        assert_eq!(refusal.document(None)["requiredScope"], "events:write");
        let either = <Either<scope::ConfigWrite, scope::AuditRead> as Needs>::SCOPES;
        assert!(reader.require(either).is_ok());
        let refusal = caller(&[Scope::EventsWrite]).require(either).unwrap_err().document(None);
        assert_eq!(refusal["detail"], "This key lacks the scope config:write or audit:read.");
    }

    #[test]
    fn names_and_scopes_agree() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        assert!(Scope::unknown("event:write").contains("events:write"));
    }

    #[test]
    fn only_bearer_keys_are_read() {
        let given = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            bearer(&headers).map(str::to_owned).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(given("Bearer abc"), Ok("abc".into()));
        assert_eq!(given("bearer abc"), Ok("abc".into()));
        assert_eq!(given("Basic abc"), Err(401));
        assert_eq!(given("abc"), Err(401));
    }
}
