//! Programmes.
pub mod business;
pub mod definition;
pub mod deliverable;
pub mod draft;
pub mod fault;
pub mod figures;
pub mod gates;
pub mod advice;
pub mod course;
pub mod selection;
pub mod workspace;
