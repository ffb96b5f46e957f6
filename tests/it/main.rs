//! The service as its users meet it: scenarios over real sockets and a real Postgres.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where and stops")]

mod alerts;
mod api;
mod captures;
mod client;
mod concurrency;
mod connect_crossbeam;
mod connect_posthog;
mod connect_segment;
mod connect_slack;
mod connectors;
mod crash;
mod dead;
mod fakes;
mod handoff_concurrency;
mod handoffs;
mod harness;
mod intake;
mod laws;
mod leads;
mod matching;
mod metrics;
mod outbox;
mod policy;
mod process;
mod receiver;
mod roster;
mod routing;
mod sandbox;
mod simulation;
mod stories;
mod truths;
