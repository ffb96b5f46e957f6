//! HubSpot: webhooks that say what changed, the CRM's objects read as facts, handoffs written back.
//!
//! Promises: a webhook is believed by its signature alone and only names objects, whose facts are then read, so that
//! order and repeats do not matter; a fact's identity is the object and its change time; a retried write adds nothing;
//! what our mapping does not know is passed on under HubSpot's own name and logged, never guessed.
//! Leaves out: OAuth (the token of a private app is used); merges of companies, which are set aside for a person.

mod check;
mod client;
mod deal;
mod directory;
mod fields;
mod inbound;
mod note;
mod provision;
mod reader;
mod sayings;
mod settings;
mod signature;
mod source;
mod stages;
mod wire;

use std::sync::Arc;

use super::limits::Limits;
use super::settings::{Section, SetupFault};
use super::{Connector, Tools};
use crate::handoffs::{LOG_ACTIVITY, UPDATE_DEAL};
use check::HubSpotCheck;
use client::HubSpot;
use deal::DealSender;
use inbound::Webhooks;
use note::NoteSender;
use settings::Settings;
use source::HubSpotSource;

/// Its name in settings, addresses, measurements and as the `source` of events.
const NAME: &str = "hubspot";

/// Makes the connector: what calls us with a client secret, what we call with a token.
pub(super) fn connect(tools: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    settings.check().map_err(|(key, fault)| section.fault(key, fault))?;
    let settings = Arc::new(settings);
    let mut connector = Connector::named(NAME);
    if settings.client_secret.is_some() {
        connector.inbound = Some(Arc::new(Webhooks::new(settings.clone())));
    }
    let Some(token) = settings.token.clone() else {
        connector.check = Some(Arc::new(HubSpotCheck::new(settings, None)));
        return Ok(vec![connector]);
    };
    let limits = Arc::new(Limits::new(NAME, settings.calls_per_second, settings.burst));
    let hubspot = Arc::new(HubSpot::new(tools, settings.clone(), token, limits.clone()));
    connector.senders = vec![
        (UPDATE_DEAL, Arc::new(DealSender::new(hubspot.clone()))),
        (LOG_ACTIVITY, Arc::new(NoteSender::new(hubspot.clone()))),
    ];
    connector.source = Some(Arc::new(HubSpotSource::new(hubspot.clone())));
    connector.check = Some(Arc::new(HubSpotCheck::new(settings, Some(hubspot))));
    connector.limits = Some(limits);
    Ok(vec![connector])
}
