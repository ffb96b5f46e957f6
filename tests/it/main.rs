//! The service as its users meet it: scenarios over real sockets and a real Postgres.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where and stops")]

mod alerts;
mod api;
mod client;
mod concurrency;
mod connect_hubspot;
mod connect_resend;
mod connect_salesforce;
mod connect_slack;
mod connectors;
mod crash;
mod dead;
mod fakes;
mod handoff_concurrency;
mod handoffs;
mod harness;
mod hubspot_calls;
mod intake;
mod laws;
mod leads;
mod matching;
mod metrics;
mod outbox;
mod policy;
mod privacy;
mod process;
mod receiver;
mod roster;
mod routing;
mod sandbox;
mod simulation;
mod stories;
mod truths;
