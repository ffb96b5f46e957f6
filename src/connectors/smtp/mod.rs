//! SMTP: briefings by any mail server, alone or where another way of sending mail takes nothing.
//!
//! Promises: nothing is sent, and no password is said, over a connection that is not encrypted, unless the settings want
//! that of a server on this machine; every attempt carries the same `Message-ID`, by which mail servers and programs know
//! a repeated mail.
//! Leaves out: bounces, which go to the sender's mailbox; templates, which are a matter of systems that have them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::limits::Limits;
use super::mail::{BRIEFING, Mail, domain};
use super::settings::{Secret, Section, SetupFault};
use super::vendor::{Trouble, TroubleKind};
use super::{Check, Connector, Finding, Tools};
use crate::platform::outbox::sender::{NO_CONNECTION, printable};
use crate::platform::outbox::{Next, Outgoing, Sender, Sent, Unsent};

/// As people call it.
const TITLE: &str = "The mail server";
/// Pace and burst, which small servers take.
const PER_SECOND: f64 = 5.0;
const BURST: u32 = 5;
/// How long a server that puts a mail off is left alone with it; those that do it to everybody once want minutes.
const PUT_OFF: TimeDelta = TimeDelta::minutes(5);
/// How long one step of a conversation may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// `[connectors.smtp]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    host: String,
    /// 587, 465 with `tls = "always"`, 25 with `tls = "never"`.
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    tls: Encryption,
    /// A certificate (PEM) that is trusted beside those of the machine.
    #[serde(default)]
    ca_file: Option<PathBuf>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password: Option<Secret>,
    /// `Name <address>`.
    from: String,
    #[serde(default)]
    reply_to: Option<String>,
}

/// When a conversation is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encryption {
    /// After `STARTTLS`, before anything else.
    #[default]
    Starttls,
    /// From the first byte.
    Always,
    /// Not at all: for a server on this machine.
    Never,
}

impl Encryption {
    fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Always => 465,
            Self::Never => 25,
        }
    }
}

/// Makes the connector.
pub(super) fn connect(_: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    let limits = Arc::new(Limits::new("smtp", PER_SECOND, BURST));
    let mailer = Arc::new(Mailer::new(&settings, section, limits.clone())?);
    let mut connector = Connector { limits: Some(limits), ..Connector::named("smtp") };
    connector.senders.push((BRIEFING, mailer.clone()));
    connector.check = Some(mailer);
    Ok(vec![connector])
}

/// Sends mail.
struct Mailer {
    server: AsyncSmtpTransport<Tokio1Executor>,
    limits: Arc<Limits>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// Where it is, for the check.
    place: String,
    encryption: Encryption,
    /// Resend's own server knows a repeated mail by a header.
    keyed: bool,
}

impl Mailer {
    fn new(settings: &Settings, section: &Section, limits: Arc<Limits>) -> Result<Self, SetupFault> {
        let mailbox = |key: &str, text: &str| {
            text.parse::<Mailbox>()
                .map_err(|_| section.fault(key, format!("`{text}` is no address: write Name <name@domain>")))
        };
        let from = mailbox("from", &settings.from)?;
        let reply_to = settings.reply_to.as_deref().map(|text| mailbox("reply_to", text)).transpose()?;
        let port = settings.port.unwrap_or(settings.tls.port());
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(port)
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(domain(&settings.from).to_owned()))
            .tls(encryption(settings, section)?);
        match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => {
                let password = password.0.expose_secret().to_owned();
                server = server.credentials(Credentials::new(user.clone(), password));
            }
            (None, None) => {}
            (Some(_), None) => return Err(section.fault("password", "is missing beside `user`")),
            (None, Some(_)) => return Err(section.fault("user", "is missing beside `password`")),
        }
        Ok(Self {
            server: server.build(),
            limits,
            from,
            reply_to,
            place: format!("{}:{port}", settings.host),
            encryption: settings.tls,
            keyed: settings.host.ends_with("resend.com"),
        })
    }

    fn message(&self, outgoing: &Outgoing<'_>) -> Result<Message, Unsent> {
        let mail: Mail = outgoing.data()?;
        let (id, at) = (outgoing.id, outgoing.id.get_timestamp());
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(mail.subject.replace(['\r', '\n'], " "))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())));
        if let Some(at) = at {
            // When it was written: the same in every attempt.
            message = message.date(std::time::UNIX_EPOCH + Duration::from_secs(at.to_unix().0));
        }
        for to in &mail.to {
            let address = to.parse::<Mailbox>();
            let nowhere = |_| Unsent::never(format!("`{to}` is no address that mail can be sent to"));
            message = message.to(address.map_err(nowhere)?);
        }
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let text = SinglePart::plain(mail.text().to_owned());
        let message = match mail.html {
            Some(html) => message.multipart(
                MultiPart::alternative()
                    .singlepart(text)
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html)),
            ),
            None => message.singlepart(text),
        };
        let mut message =
            message.map_err(|error| Unsent::never(format!("no mail can be made of it: {error}")))?;
        let mut header = |name: &'static str| {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, id.to_string()));
        };
        header("X-Entity-Ref-ID");
        if self.keyed {
            header("Resend-Idempotency-Key");
        }
        Ok(message)
    }
}

fn encryption(settings: &Settings, section: &Section) -> Result<Tls, SetupFault> {
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let shown = file.display();
        let pem = std::fs::read(file)
            .map_err(|error| section.fault("ca_file", format!("{shown} cannot be read: {error}")))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| section.fault("ca_file", format!("{shown} holds no certificate in PEM form")))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = || {
        parameters.build_rustls().map_err(|error| {
            section.fault("host", format!("no encrypted connection can be prepared: {error}"))
        })
    };
    Ok(match settings.tls {
        Encryption::Starttls => Tls::Required(parameters()?),
        Encryption::Always => Tls::Wrapper(parameters()?),
        Encryption::Never if is_here(&settings.host) => Tls::None,
        Encryption::Never => {
            return Err(section.fault(
                "tls",
                "may be \"never\" for a server on this machine only: briefings name customers and people",
            ));
        }
    })
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Sender for Mailer {
    fn provider(&self) -> &'static str {
        "smtp"
    }

    fn in_order(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(async move {
            let message = self.message(&outgoing)?;
            self.limits.turn().await;
            match self.server.send(message).await {
                Ok(response) => Ok(Sent::of(response.code().into())),
                Err(error) => Err(unsent(&error)),
            }
        })
    }
}

/// What an error of the conversation means.
fn trouble(error: &lettre::transport::smtp::Error) -> Trouble {
    let status = error.status().map(u16::from);
    let source = std::error::Error::source(error).map(ToString::to_string);
    let said = source.unwrap_or_else(|| error.to_string());
    let strange = said.contains("certificate");
    // Nobody was spoken to, so nothing was taken.
    let unspoken = error.to_string().starts_with("Connection error");
    let kind = match status {
        // The server is closing, or refuses to talk.
        Some(421) => TroubleKind::Down,
        // 530: without STARTTLS or credentials; 534, 535, 538: not with these.
        Some(530 | 534 | 535 | 538) => TroubleKind::Unauthorised,
        Some(status) if status >= 500 => TroubleKind::Invalid,
        Some(_) => TroubleKind::Limited,
        // No STARTTLS, no way of authentication that is known here, a certificate that nobody trusts.
        None if strange || error.is_tls() || error.is_client() => TroubleKind::Forbidden,
        None if error.is_response() && !said.contains("incomplete") => TroubleKind::Malformed,
        None => TroubleKind::Unreached,
    };
    let said = if kind == TroubleKind::Unreached && unspoken { NO_CONNECTION.to_owned() } else { said };
    Trouble { kind, title: TITLE, status, said: printable(said.as_bytes()), wait: None }
}

/// A trouble in words for an operator; what to do about it is not what other systems want.
fn told(trouble: &Trouble) -> String {
    let (said, try_it) = (&trouble.said, "`gtm connect smtp --check` tries it");
    match trouble.kind {
        TroubleKind::Forbidden => format!(
            "{TITLE} cannot be spoken to in private: {said}. See host, tls and ca_file in the settings; {try_it}"
        ),
        TroubleKind::Unauthorised => {
            let status = trouble.status.map(|status| format!(" ({status})")).unwrap_or_default();
            format!(
                "{TITLE} refuses the credentials{status}: {said}. Put another user or password into the settings; {try_it}"
            )
        }
        _ => trouble.to_string(),
    }
}

fn unsent(error: &lettre::transport::smtp::Error) -> Unsent {
    let trouble = trouble(error);
    let (status, error) = (trouble.status, told(&trouble));
    // 4xx puts off this mail, not the others: senders that are new to a server are asked to come back.
    if trouble.kind == TroubleKind::Limited {
        return Unsent { status, error, next: Next::After(PUT_OFF), down: false, unsure: false };
    }
    // Whatever has a code was not taken.
    Unsent { error, unsure: status.is_none() && trouble.is_unsure(), ..trouble.into() }
}

impl Check for Mailer {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let encrypted = match self.encryption {
                Encryption::Starttls | Encryption::Always => "encrypted",
                Encryption::Never => "not encrypted",
            };
            vec![match self.server.test_connection().await {
                Ok(true) => Finding::well(
                    "server",
                    format!("{} answers, {encrypted}; mail goes out as {}.", self.place, self.from),
                ),
                Ok(false) => {
                    Finding::amiss("server", format!("{} answers, and says that it is not well.", self.place))
                }
                Err(error) => Finding::amiss("server", format!("{}: {}", self.place, told(&trouble(&error)))),
            }]
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::connectors::settings::ConnectorSettings;
    use crate::kernel::clock::{Clock, DateTime};

    fn mailer(table: &Value) -> Result<Mailer, String> {
        let all: ConnectorSettings = serde_json::from_value(json!({ "smtp": table })).unwrap();
        let section = all.sections().next().unwrap();
        let settings: Settings = section.read().map_err(|fault| fault.to_string())?;
        let limits = Arc::new(Limits::new("smtp", 1.0, 1));
        Mailer::new(&settings, &section, limits).map_err(|fault| fault.to_string())
    }

    #[test]
    fn faults_name_the_key_and_what_to_do() {
        for (table, says) in [
            (json!({"host": "mail.example", "from": "nobody"}), "connectors.smtp.from"),
            (json!({"host": "mail.example", "from": "a@b.example", "tls": "never"}), "on this machine only"),
            (json!({"host": "mail.example", "from": "a@b.example", "user": "u"}), "connectors.smtp.password"),
            (json!({"host": "mail.example", "from": "a@b.example", "ca_file": "/nowhere"}), "cannot be read"),
            (json!({"host": "mail.example", "from": "a@b.example", "tlss": "always"}), "tlss"),
        ] {
            let fault = mailer(&table).err().unwrap();
            assert!(fault.contains(says), "{fault}");
        }
        let here = json!({"host": "127.0.0.1", "from": "a@b.example", "tls": "never"});
        assert_eq!(mailer(&here).unwrap().place, "127.0.0.1:25");
    }

    #[test]
    fn every_attempt_is_the_same_mail_and_nobody_writes_headers() {
        let mailer = mailer(&json!({
            "host": "smtp.resend.com", "from": "RevOps <revops@company.example>", "reply_to": "ops@company.example",
        }))
        .unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let id = crate::kernel::ids::new_id(Clock::manual(now).now());
        let payload = json!({"data": {
            "to": ["rep@example.com"], "subject": "Acme\r\nBcc: all@example.com", "html": "<p>Zürich</p>",
            "variables": {"summary": "Zürich"},
        }})
        .to_string();
        let text = |attempts| {
            let outgoing = Outgoing {
                id,
                account_id: "a",
                destination: BRIEFING,
                payload: &payload,
                attempts,
                unsure: false,
                now: now + TimeDelta::hours(i64::from(attempts)),
            };
            String::from_utf8(mailer.message(&outgoing).unwrap().formatted()).unwrap()
        };
        let without_boundary = |text: &str| {
            let boundary = text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            text.replace(&boundary, "")
        };
        let first = text(1);
        assert_eq!(without_boundary(&first), without_boundary(&text(2)), "but for the boundary of its parts");
        assert!(first.contains(&format!("Message-ID: <{id}@company.example>")), "{first}");
        assert!(first.contains(&format!("Resend-Idempotency-Key: {id}")), "{first}");
        assert!(!first.lines().any(|line| line.starts_with("Bcc")), "{first}");
        assert!(first.contains("Date: Fri, 15 Jan 2027 08:00:00"), "{first}");
        let nobody = Outgoing {
            id: Uuid::nil(),
            account_id: "a",
            destination: BRIEFING,
            payload: r#"{"data": {"to": ["nobody"], "subject": "s"}}"#,
            attempts: 1,
            unsure: false,
            now,
        };
        assert!(mailer.message(&nobody).unwrap_err().error.contains("`nobody` is no address"));
    }
}
