//! GTM Motion Orchestrator: one service that decides, per account, which go-to-market motion is right now,
//! keeps the motions from colliding, and can prove afterwards why.
//!
//! The modules in reading order: values ([`kernel`]), machinery that knows no domain ([`platform`]), what is
//! known of accounts ([`accounts`]), what is decided about them ([`motions`]), who takes over and by when
//! ([`handoffs`]), the systems that users already have ([`connectors`]), who does what by when ([`plans`]), contracts that
//! are renewed ([`renewals`]), the wiring ([`app`]), the command line ([`cli`]), and a company to try it on ([`demo`]).

pub mod accounts;
pub mod app;
pub mod cli;
pub mod connectors;
pub mod demo;
pub mod handoffs;
pub mod kernel;
pub mod motions;
pub mod plans;
pub mod platform;
pub mod renewals;
pub mod settings;
#[doc(hidden)]
pub mod testing;
