//! Dead letters: what was given up after it was accepted, and how much of it is put back.
//!
//! Events that could not be applied and jobs that failed too often belong to different modules and are listed
//! apart; putting them back is asked for and answered in the same words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most dead letters that one call puts back: one transaction, whose locks nobody should wait for long.
pub const RETRY_MAX: i64 = 10_000;

/// How many dead letters of one sort there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadGroup {
    /// The type of the events, or the kind of the jobs.
    pub of: String,
    pub count: i64,
}

/// What was put back, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadRetried {
    /// Nothing was put back.
    pub dry_run: bool,
    /// Put back now; for a dry run, what the same call would put back.
    pub count: i64,
    /// Left for another call, because one puts back 10,000 at the most.
    pub left: i64,
    /// The ones counted in `count` and `left`, by what they are.
    pub groups: Vec<DeadGroup>,
}

impl DeadRetried {
    /// The answer for these groups, of which `done` were put back (for a dry run: none yet).
    pub fn new(dry_run: bool, groups: Vec<DeadGroup>, done: i64) -> Self {
        let all: i64 = groups.iter().map(|group| group.count).sum();
        let count = if dry_run { all.min(RETRY_MAX) } else { done };
        Self { dry_run, count, left: (all - count).max(0), groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_counts_what_one_call_does() {
        let groups =
            |count| vec![DeadGroup { of: "a".to_owned(), count: 1 }, DeadGroup { of: "b".to_owned(), count }];
        let small = DeadRetried::new(true, groups(2), 0);
        assert_eq!((small.count, small.left), (3, 0));
        let large = DeadRetried::new(true, groups(RETRY_MAX), 0);
        assert_eq!((large.count, large.left), (RETRY_MAX, 1));
        let done = DeadRetried::new(false, groups(2), 2);
        assert_eq!(
            (done.count, done.left),
            (2, 1),
            "one was put back by somebody else meanwhile, or is held"
        );
    }
}
