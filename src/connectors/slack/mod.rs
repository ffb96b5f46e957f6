//! Slack: alerts with buttons in channels, and what people press on them.
//!
//! Two ways out: a bot (`token`), which posts to any channel it was invited to and can name people, or an incoming
//! webhook (`webhook_url`), the simple way, whose channel is fixed. Buttons need the bot and a `signing_secret`.
//!
//! Promises: an alert is posted once as far as Slack lets us know: after an answer that got lost the channel is searched
//! for the message first, where the bot may read it; a pressed button acts in the name of the person who pressed it.
//! Leaves out: conversations; the service says and listens, it does not chat.

mod blocks;
mod interact;
mod post;
mod words;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::limits::Limits;
use super::settings::{Secret, Section, SetupFault};
use super::vendor::Vendor;
use super::{Check, Connector, Finding, Tools};
use crate::platform::outbox::Sender;
use post::{Bot, Hook};

/// Where alerts go.
const SERVES: [&str; 2] = ["messaging/alert", "messaging/digest"];
/// Slack takes about one message a second for each channel; short bursts pass.
const PER_SECOND: f64 = 1.0;
const BURST: u32 = 5;

/// `[connectors.slack]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The bot's token, `xoxb-…`; scopes `chat:write`, `users:read`, `users:read.email`.
    #[serde(default)]
    token: Option<Secret>,
    /// Proves calls of Slack to us; from the app's Basic Information.
    #[serde(default)]
    signing_secret: Option<Secret>,
    /// An incoming webhook; instead of `token`.
    #[serde(default)]
    webhook_url: Option<Secret>,
    /// Where alerts go whose team has no channel.
    #[serde(default)]
    channel: Option<String>,
    /// Our own address as people reach it, for the button that opens a handoff.
    #[serde(default)]
    public_url: Option<String>,
    #[serde(default = "base_url")]
    base_url: String,
}

fn base_url() -> String {
    "https://slack.com/api".to_owned()
}

/// Makes the connector.
pub(super) fn connect(tools: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    let limits = Arc::new(Limits::new("slack", PER_SECOND, BURST));
    let vendor = |judge| Vendor::new("Slack", tools.clock.clone(), limits.clone(), judge);
    let layout = blocks::Layout {
        public_url: settings.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        buttons: settings.token.is_some() && settings.signing_secret.is_some(),
    };
    let mut connector = Connector { limits: Some(limits.clone()), ..Connector::named("slack") };
    let bot = match (settings.token, settings.webhook_url) {
        (Some(token), None) => {
            let bot = Bot {
                vendor: vendor(words::of_api),
                client: tools.client.clone(),
                base: settings.base_url.trim_end_matches('/').to_owned(),
                token: token.0,
                channel: settings.channel,
                layout,
                people: std::sync::Mutex::default(),
            };
            Some(Arc::new(bot))
        }
        (None, Some(url)) => {
            let hook =
                Hook { vendor: vendor(words::of_hook), client: tools.client.clone(), url: url.0, layout };
            let hook = Arc::new(hook);
            connector.senders.extend(SERVES.map(|to| (to, hook.clone() as Arc<dyn Sender>)));
            connector.check = Some(hook);
            None
        }
        (Some(_), Some(_)) => {
            return Err(section.fault("webhook_url", "is of no use beside `token`; keep one"));
        }
        (None, None) => {
            return Err(section.fault("token", "is missing; or set `webhook_url` for the simple way"));
        }
    };
    if let Some(bot) = &bot {
        connector.senders.extend(SERVES.map(|to| (to, bot.clone() as Arc<dyn Sender>)));
        connector.check =
            Some(Arc::new(Looks { bot: bot.clone(), listens: settings.signing_secret.is_some() }));
    }
    if let Some(secret) = settings.signing_secret {
        connector.inbound =
            Some(Arc::new(interact::Listener { secret: secret.0, bot, client: tools.client.clone() }));
    }
    Ok(vec![connector])
}

/// Tries what the bot needs.
struct Looks {
    bot: Arc<Bot>,
    listens: bool,
}

impl Check for Looks {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = self.bot.findings().await;
            findings.push(if self.listens {
                Finding::well(
                    "signing_secret",
                    "Point Interactivity of the app at /v1/webhooks/slack of this service.",
                )
            } else {
                Finding::amiss(
                    "signing_secret",
                    "Without it messages have no buttons; copy it from the app's page.",
                )
            });
            findings
        })
    }
}
