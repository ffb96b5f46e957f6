//! The HTTP face of handoffs: each of them, and who takes them by which rules.

mod absences;
mod actions;
mod alerts;
mod calendars;
mod entries;
mod export;
mod handoffs;
mod metrics;
mod named_accounts;
mod reps;
mod reroute;
mod roles;
mod roster;
mod segments;
mod sla;
mod sla_terms;
mod teams;
mod territories;
mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use handoffs::prefers_html;

use super::commands::Handoffs;
use crate::platform::http::Platform;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Handoffs: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(handoffs::list_handoffs, handoffs::open_handoff))
        .routes(routes!(export::export_handoffs))
        .routes(routes!(handoffs::get_handoff))
        .routes(routes!(handoffs::get_handoff_report))
        .routes(routes!(handoffs::get_handoff_timeline))
        .routes(routes!(actions::acknowledge_handoff))
        .routes(routes!(actions::ask_handoff))
        .routes(routes!(actions::answer_handoff))
        .routes(routes!(actions::contact_handoff))
        .routes(routes!(actions::book_handoff_meeting))
        .routes(routes!(actions::convert_handoff))
        .routes(routes!(actions::lose_handoff))
        .routes(routes!(actions::reject_handoff))
        .routes(routes!(actions::reassign_handoff))
        .routes(routes!(actions::cancel_handoff))
        .routes(routes!(actions::roll_back_handoff))
        .routes(routes!(actions::release_handoff))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(reroute::reroute_handoffs))
        .routes(routes!(reroute::off_board_rep))
        .routes(routes!(calendars::list))
        .routes(routes!(calendars::read, calendars::put, calendars::remove))
        .routes(routes!(teams::list))
        .routes(routes!(teams::read, teams::put, teams::remove))
        .routes(routes!(reps::list))
        .routes(routes!(reps::read, reps::put, reps::remove))
        .routes(routes!(absences::list_absences, absences::add_absence))
        .routes(routes!(absences::end_absence))
        .routes(routes!(territories::list))
        .routes(routes!(territories::read, territories::put, territories::remove))
        .routes(routes!(named_accounts::list))
        .routes(routes!(named_accounts::read, named_accounts::put, named_accounts::remove))
        .routes(routes!(segments::list))
        .routes(routes!(segments::read, segments::put, segments::remove))
        .routes(routes!(roles::list))
        .routes(routes!(roles::read, roles::put, roles::remove))
        .routes(routes!(roster::find_roster_faults))
        .routes(routes!(sla_terms::list))
        .routes(routes!(sla_terms::read, sla_terms::put, sla_terms::remove))
        .routes(routes!(roster::get_roster))
        .routes(routes!(roster::import_roster))
        .routes(routes!(sla::preview_sla))
        .routes(routes!(metrics::measure_handoffs))
        .routes(routes!(metrics::measure_pools))
}
