//! GTM Motion Orchestrator: one service that decides, per account, which go-to-market motion is right now,
//! keeps the motions from colliding, and can prove afterwards why.
//!
//! The modules in reading order: values ([`kernel`]), machinery that knows no domain ([`platform`]), what is
//! known of accounts ([`accounts`]), what is decided about them ([`motions`]), who takes over and by when
//! ([`handoffs`]), the systems that users already have ([`connectors`]), plans ([`plans`]) with what is made of them: designs of
//! handoffs ([`designs`]) and plays of contracts that are renewed ([`renewals`]), whole
//! programmes ([`programmes`]); all of it as tools for AI agents ([`mcp`]) and as pages for people
//! ([`console`]), the wiring ([`app`]), the command line
//! ([`cli`]), and a company to try it on ([`demo`]).

pub mod accounts;
pub mod app;
pub mod cli;
pub mod connectors;
pub mod console;
pub mod demo;
pub mod designs;
pub mod handoffs;
pub mod kernel;
pub mod mcp;
pub mod motions;
pub mod plans;
pub mod platform;
pub mod programmes;
pub mod renewals;
pub mod settings;
#[doc(hidden)]
pub mod testing;
