//! A mail server that behaves as badly as it is told to: puts mail off, refuses it, wants encryption, breaks off, keeps
//! silent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gtm::platform::lifecycle::Lifecycle;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The certificate that it shows; made for these tests with openssl, valid for this machine until 2126.
pub const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/smtp/localhost.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/smtp/localhost.key");
pub const USER: &str = "orchestrator";
pub const PASSWORD: &str = "open sesame";

/// What goes wrong in one conversation, and at which step: `greeting`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `end`.
#[derive(Clone, Copy, Debug)]
pub enum Bad {
    Says(&'static str, &'static str),
    BreaksOff(&'static str),
    /// It takes the mail, and the answer gets lost.
    TakesAndBreaksOff,
    Silent(&'static str),
}

/// A mail as it was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub to: Vec<String>,
    pub text: String,
    pub encrypted: bool,
    pub user: Option<String>,
}

/// Runs until it is dropped.
pub struct MailServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    life: Lifecycle,
}

struct Shared {
    script: Mutex<VecDeque<Bad>>,
    taken: Mutex<Vec<Taken>>,
    tls: Option<TlsAcceptor>,
}

impl MailServer {
    /// Behaves as in `script`, conversation by conversation, and well afterwards. With `encrypts` it offers STARTTLS and
    /// wants it before it takes anything.
    pub async fn start(encrypts: bool, script: impl IntoIterator<Item = Bad>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            taken: Mutex::default(),
            tls: encrypts.then(acceptor),
        });
        let life = Lifecycle::new();
        let (ours, tasks) = (shared.clone(), life.clone());
        drop(life.run(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = ours.clone();
                drop(tasks.run(async move { shared.converse(stream).await.unwrap_or_default() }));
            }
        }));
        Self { address, shared, life }
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// The settings of a service that sends by it.
    pub fn settings(&self) -> Value {
        let mut smtp = json!({
            "host": "127.0.0.1", "port": self.address.port(), "from": "RevOps <revops@company.example>",
            "tls": "never", "user": USER, "password": PASSWORD,
        });
        if self.shared.tls.is_some() {
            smtp["tls"] = json!("starttls");
            smtp["ca_file"] = json!(CERTIFICATE);
        }
        json!({ "smtp": smtp })
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.life.hard().cancel();
    }
}

fn acceptor() -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = vec![CertificateDer::from_pem_file(CERTIFICATE).unwrap()];
    let key = PrivateKeyDer::from_pem_file(KEY).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// How a conversation ends.
#[derive(PartialEq)]
enum End {
    Over,
    Encrypt,
}

impl Shared {
    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let bad = self.script.lock().unwrap().pop_front();
        let mut talk = Talk { shared: self, bad, encrypted: false, user: None };
        let mut plain = BufStream::new(stream);
        if talk.run(&mut plain, true).await? == End::Over {
            return Ok(());
        }
        let Some(tls) = &self.tls else { return Ok(()) };
        let mut encrypted = BufStream::new(tls.accept(plain.into_inner()).await?);
        talk.encrypted = true;
        talk.run(&mut encrypted, false).await.map(drop)
    }
}

struct Talk<'a> {
    shared: &'a Shared,
    bad: Option<Bad>,
    encrypted: bool,
    user: Option<String>,
}

impl Talk<'_> {
    /// Whether the step goes well; a step that does not is answered here, or breaks the conversation off.
    async fn step<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufStream<S>,
        step: &str,
    ) -> std::io::Result<bool> {
        match self.bad {
            Some(Bad::Says(at, line)) if at == step => {
                say(io, line).await?;
                Ok(false)
            }
            Some(Bad::BreaksOff(at)) if at == step => Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(Bad::Silent(at)) if at == step => {
                // For as long as the other side has patience.
                io.read_to_end(&mut Vec::new()).await?;
                Err(std::io::ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(true),
        }
    }

    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut BufStream<S>,
        greet: bool,
    ) -> std::io::Result<End> {
        if greet && self.step(io, "greeting").await? {
            say(io, "220 mail.example ready").await?;
        }
        let (mut to, mut line) = (Vec::new(), String::new());
        loop {
            line.clear();
            if io.read_line(&mut line).await? == 0 {
                return Ok(End::Over);
            }
            let verb = line.split([' ', ':']).next().unwrap_or_default().trim().to_ascii_uppercase();
            let wants_tls = self.shared.tls.is_some() && !self.encrypted;
            match verb.as_str() {
                "EHLO" if wants_tls => say(io, "250-mail.example\r\n250 STARTTLS").await?,
                "EHLO" => say(io, "250-mail.example\r\n250 AUTH PLAIN").await?,
                "STARTTLS" if wants_tls => {
                    say(io, "220 go ahead").await?;
                    return Ok(End::Encrypt);
                }
                "QUIT" => {
                    say(io, "221 bye").await?;
                    return Ok(End::Over);
                }
                "NOOP" | "RSET" => say(io, "250 ok").await?,
                _ if wants_tls => say(io, "530 5.7.0 Must issue a STARTTLS command first").await?,
                "AUTH" if !self.step(io, "AUTH").await? => {}
                "AUTH" => {
                    let wanted = STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
                    if line.trim_end().ends_with(&wanted) {
                        self.user = Some(USER.to_owned());
                        say(io, "235 2.7.0 welcome").await?;
                    } else {
                        say(io, "535 5.7.8 authentication failed").await?;
                    }
                }
                "MAIL" | "RCPT" if !self.step(io, &verb).await? => {}
                "MAIL" => say(io, "250 ok").await?,
                "RCPT" => {
                    to.push(line["RCPT TO:".len()..].trim().trim_matches(['<', '>']).to_owned());
                    say(io, "250 ok").await?;
                }
                "DATA" if !self.step(io, "DATA").await? => {}
                "DATA" => {
                    say(io, "354 go on").await?;
                    let text = mail(io).await?;
                    if self.step(io, "end").await? {
                        let (to, user) = (std::mem::take(&mut to), self.user.clone());
                        let taken = Taken { to, text, encrypted: self.encrypted, user };
                        self.shared.taken.lock().unwrap().push(taken);
                        if matches!(self.bad, Some(Bad::TakesAndBreaksOff)) {
                            return Ok(End::Over);
                        }
                        say(io, "250 2.0.0 queued").await?;
                    }
                }
                _ => say(io, "502 5.5.2 what?").await?,
            }
        }
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(io: &mut BufStream<S>, line: &str) -> std::io::Result<()> {
    io.write_all(line.as_bytes()).await?;
    io.write_all(b"\r\n").await?;
    io.flush().await
}

/// Everything until the line that holds a dot alone.
async fn mail<S: AsyncRead + AsyncWrite + Unpin>(io: &mut BufStream<S>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if io.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
