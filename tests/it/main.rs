//! The service as its users meet it: scenarios over real sockets and a real Postgres.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where and stops")]

mod client;
mod harness;
mod intake;
mod outbox;
mod receiver;
mod routing;
mod stories;
