//! What a failed statement means to the caller.
//!
//! Promises: a named constraint that a slice lists becomes the 409 or 422 it stands for; a database that is away or
//! overloaded becomes 503 with `Retry-After`; all else is 500 with the cause in the log only. Leaves out: the meaning
//! of the constraints, which the slices state as [`Constraint`] tables.

use super::problem::{Fault, Problem};
use axum::http::StatusCode;

/// What breaking one named constraint means.
#[derive(Debug, Clone, Copy)]
pub struct Constraint {
    name: &'static str,
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    pointer: Option<&'static str>,
}

impl Constraint {
    /// Breaking `name` is a 409: somebody or something else came first.
    pub const fn conflict(name: &'static str, code: &'static str, detail: &'static str) -> Self {
        Self { name, status: StatusCode::CONFLICT, code, detail, pointer: None }
    }

    /// Breaking `name` is a 422 at `pointer` (see [`Fault::pointer`]).
    pub const fn invalid(
        name: &'static str,
        code: &'static str,
        pointer: &'static str,
        detail: &'static str,
    ) -> Self {
        Self { name, status: StatusCode::UNPROCESSABLE_ENTITY, code, detail, pointer: Some(pointer) }
    }

    fn problem(&self) -> Problem {
        let faults = self.pointer.map(|pointer| Fault::new(pointer, self.detail));
        Problem::new(self.status, self.code, self.detail).faults(faults)
    }
}

/// Turns a database error into an answer; `known` are the constraints whose breaking is the caller's doing.
pub fn problem(error: &sqlx::Error, known: &[Constraint]) -> Problem {
    let broken = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    if let Some(known) = broken.and_then(|name| known.iter().find(|known| known.name == name)) {
        return known.problem().because(error);
    }
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            Problem::unavailable("The service is at its limit; try again shortly.", 2).because(error)
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            Problem::unavailable("The database cannot be reached; try again shortly.", 5).because(error)
        }
        sqlx::Error::RowNotFound => {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing.").because(error)
        }
        sqlx::Error::Database(reported) if passing(reported.code().as_deref()) => {
            Problem::unavailable("The database could not take this now; try again shortly.", 1).because(error)
        }
        sqlx::Error::Database(reported) if unstorable(reported.code().as_deref()) => Problem::unprocessable(
            "value_out_of_range",
            "A value cannot be stored: a text with a NUL character, or a number or time out of all range.",
        )
        .because(error),
        other => Problem::internal(format!("database: {other}")),
    }
}

/// Whether a SQLSTATE says that the same statement may succeed later: connection trouble (08), a rollback for the
/// sake of others (40), exhausted resources (53), a stopping server (57P), a cancelled or lock-timed-out statement
/// (57014, 55P03) and an idle transaction that was ended (25P03).
fn passing(state: Option<&str>) -> bool {
    state.is_some_and(|state| {
        ["08", "40", "53", "57P"].iter().any(|class| state.starts_with(class))
            || ["57014", "55P03", "25P03"].contains(&state)
    })
}

/// Whether a SQLSTATE blames a value that no column could hold: NUL in text (22021, 22P05), a number (22003) or time
/// (22007, 22008, 22009) out of range.
fn unstorable(state: Option<&str>) -> bool {
    state.is_some_and(|state| ["22021", "22P05", "22003", "22007", "22008", "22009"].contains(&state))
}

impl From<sqlx::Error> for Problem {
    /// Without a table of constraints: a broken one is our fault (500).
    fn from(error: sqlx::Error) -> Self {
        problem(&error, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_listed_constraint_is_the_callers_fault_and_an_unlisted_one_ours() {
        let database = testing::database().await;
        sqlx::query("create table seat (n int constraint seat_once unique)")
            .execute(&database.pool)
            .await
            .unwrap();
        sqlx::query("insert into seat values (1)").execute(&database.pool).await.unwrap();
        let error = sqlx::query("insert into seat values (1)").execute(&database.pool).await.unwrap_err();
        let known = [Constraint::conflict("seat_once", "seat_taken", "The seat is taken.")];
        assert_eq!(problem(&error, &known).code(), "seat_taken");
        assert_eq!(problem(&error, &known).status(), StatusCode::CONFLICT);
        let unlisted = problem(&error, &[]);
        assert_eq!(unlisted.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!unlisted.document(None).to_string().contains("seat_once"));
    }

    #[tokio::test]
    async fn a_text_that_no_column_can_hold_is_the_callers_fault() {
        let database = testing::database().await;
        let error = sqlx::query("select $1::text").bind("a\0b").execute(&database.pool).await.unwrap_err();
        assert_eq!(problem(&error, &[]).status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_database_that_is_away_is_a_503_with_a_time_to_wait() {
        use axum::response::IntoResponse;
        let error = sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        for error in [error, sqlx::Error::PoolTimedOut] {
            let response = problem(&error, &[]).into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key("retry-after"));
        }
        assert!(passing(Some("40001")) && passing(Some("57P01")) && !passing(Some("23505")));
    }
}
