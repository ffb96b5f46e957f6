//! Programmes: a whole go-to-market programme, from one business configuration to a finished workspace.
//!
//! The pure core in reading order: [`definition`] (phases, steps, agents, gates as data), [`business`] (the configuration that
//! people write), [`figures`] (all numbers, computed once), [`deliverable`] (one file, with data that gates read), [`draft`] (the
//! built-in drafter), [`gates`] (what must hold before a phase goes on), [`selection`] (which part is run), [`advice`] (what the
//! coordinator finds before), [`workers`] (who fills the agents), [`course`] (the plan), [`contradiction`] (outputs that do not agree),
//! [`order`] (a decision as work), [`workspace`] (the git repository).
//! Around it: [`commands`] (the transactions), [`store`] (SQL), [`model_worker`] (a language model as a worker), [`api`] (HTTP),
//! [`jobs`] (what runs by itself).
//! Promises: a deliverable is a row before it is a file, so nothing that was handed in is lost and nothing is there twice; the
//! repository is written from rows.
//! Owns the tables `programme_definition`, `programme`, `programme_file`, `programme_entry` and `programme_conflict`.

pub mod advice;
pub mod api;
pub mod business;
pub mod commands;
pub mod contradiction;
pub mod course;
pub mod definition;
pub mod deliverable;
pub mod draft;
pub mod fault;
pub mod figures;
pub mod gates;
pub mod jobs;
pub mod model_worker;
pub mod order;
pub mod selection;
pub mod store;
pub mod workers;
pub mod workspace;
