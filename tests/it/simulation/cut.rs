//! A line to the database that ends where a test says, to the statement: the crash of a service, reproducibly.
//!
//! [`Line`] stands between a pool and its Postgres and counts round trips: each statement, `BEGIN` and `COMMIT` is one.
//! [`Line::cut_at`] runs a future and drops it at a chosen one, before the database has heard of it or after it has done
//! it and before anybody was told. That is all that a process can lose that keeps its state in the database alone, so
//! that crashing at every trip of a use case is crashing between any two of its steps.
//!
//! The service knows nothing of it and pays nothing for it. A pool of one connection makes the count the same in every
//! run: the same work asks the same things in the same order.

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use gtm::platform::lifecycle::Lifecycle;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::harness::DataDir;

/// No trip is the last one.
const NEVER: u64 = u64::MAX;

/// Where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// So many round trips come to their end first.
    pub trips: u64,
    /// The database does one more, and nobody hears of it.
    pub unheard: bool,
}

/// A way to a database.
pub struct Line {
    shared: Arc<Shared>,
    options: PgConnectOptions,
    life: Lifecycle,
    _dir: DataDir,
}

struct Shared {
    server: PgConnectOptions,
    /// Round trips that began, and that were answered.
    asked: AtomicU64,
    answered: AtomicU64,
    /// Those that come to their end before the line is cut.
    last: AtomicU64,
    unheard: AtomicBool,
    /// The cut has come: nothing passes any more.
    cut: Mutex<CancellationToken>,
    /// Everybody is to hang up.
    over: Mutex<CancellationToken>,
}

impl Line {
    /// A line to the database of these options.
    pub fn to(server: &PgConnectOptions) -> Self {
        let dir = DataDir::new();
        let path = dir.0.join(".s.PGSQL.5432");
        let listener = UnixListener::bind(&path).unwrap();
        let shared = Arc::new(Shared {
            server: server.clone(),
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            last: AtomicU64::new(NEVER),
            unheard: AtomicBool::new(false),
            cut: Mutex::default(),
            over: Mutex::default(),
        });
        let life = Lifecycle::new();
        let (ours, tasks) = (shared.clone(), life.clone());
        drop(life.run(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = ours.clone();
                drop(tasks.run(async move { shared.serve(client).await.unwrap_or_default() }));
            }
        }));
        Self {
            shared,
            options: server.clone().socket(&dir.0).port(5432).ssl_mode(PgSslMode::Disable),
            life,
            _dir: dir,
        }
    }

    /// The database by way of this line.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Runs a future up to a cut. None when it came; then every connection by this line is gone, as after a crash.
    pub async fn cut_at<F: Future>(&self, cut: Cut, future: F) -> Option<F::Output> {
        let fallen = self.arm(cut);
        let output = {
            let mut future = pin!(future);
            tokio::select! {
                biased;
                () = fallen.cancelled() => None,
                output = &mut future => Some(output),
            }
        };
        self.shared.last.store(NEVER, Ordering::SeqCst);
        if fallen.is_cancelled() {
            std::mem::take(&mut *lock(&self.shared.over)).cancel();
            *lock(&self.shared.cut) = CancellationToken::new();
        }
        output.filter(|_| !fallen.is_cancelled())
    }

    fn arm(&self, cut: Cut) -> CancellationToken {
        let shared = &self.shared;
        shared.asked.store(0, Ordering::SeqCst);
        shared.answered.store(0, Ordering::SeqCst);
        shared.unheard.store(cut.unheard, Ordering::SeqCst);
        shared.last.store(cut.trips, Ordering::SeqCst);
        lock(&shared.cut).clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        lock(&self.shared.over).cancel();
        self.life.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Shared {
    async fn serve(&self, client: UnixStream) -> std::io::Result<()> {
        let over = lock(&self.over).clone();
        let (from_client, to_client) = client.into_split();
        let serving = async {
            if let Some(dir) = self.socket() {
                let server =
                    UnixStream::connect(dir.join(format!(".s.PGSQL.{}", self.server.get_port()))).await?;
                let (from_server, to_server) = server.into_split();
                self.pass_on(from_client, to_server, from_server, to_client).await
            } else {
                let place = (self.server.get_host(), self.server.get_port());
                let (from_server, to_server) = TcpStream::connect(place).await?.into_split();
                self.pass_on(from_client, to_server, from_server, to_client).await
            }
        };
        tokio::select! {
            biased;
            () = over.cancelled() => Ok(()),
            ended = serving => ended,
        }
    }

    /// The directory of the server's socket, where it has one.
    fn socket(&self) -> Option<PathBuf> {
        let host = self.server.get_host();
        let by_host = host.starts_with('/').then(|| PathBuf::from(host));
        self.server.get_socket().cloned().or(by_host)
    }

    async fn pass_on(
        &self,
        from_client: impl AsyncRead + Unpin,
        to_server: impl AsyncWrite + Unpin,
        from_server: impl AsyncRead + Unpin,
        to_client: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        let talk = Talk::default();
        let asking = self.asking(&talk, from_client, to_server);
        let answering = self.answering(&talk, from_server, to_client);
        // Either end that hangs up is the end of both.
        tokio::select! {
            ended = asking => ended,
            ended = answering => ended,
        }
    }

    /// From the client: message by message. What belongs to one trip is kept until all of it is there.
    async fn asking(
        &self,
        talk: &Talk,
        mut client: impl AsyncRead + Unpin,
        mut server: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        // The greeting has no type.
        let length = client.read_u32().await?;
        let mut trip = length.to_be_bytes().to_vec();
        append(&mut client, &mut trip, length).await?;
        server.write_all(&trip).await?;
        trip.clear();
        loop {
            let kind = client.read_u8().await?;
            let length = client.read_u32().await?;
            trip.push(kind);
            trip.extend_from_slice(&length.to_be_bytes());
            append(&mut client, &mut trip, length).await?;
            let (whole, ready) = (matches!(kind, b'Q' | b'S'), talk.ready.load(Ordering::SeqCst));
            if whole && ready {
                let counts = counts(&trip);
                lock(&talk.counting).push_back(counts);
                let before = if counts { self.asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
                if before >= self.last.load(Ordering::SeqCst)
                    && counts
                    && !self.unheard.load(Ordering::SeqCst)
                {
                    return self.fall().await;
                }
            }
            if whole || kind == b'X' || !ready {
                server.write_all(&trip).await?;
                trip.clear();
            }
        }
    }

    /// From the server: an answer ends with the word that it is ready for the next trip.
    async fn answering(
        &self,
        talk: &Talk,
        mut server: impl AsyncRead + Unpin,
        mut client: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        let mut answer = Vec::new();
        loop {
            let kind = server.read_u8().await?;
            let length = server.read_u32().await?;
            answer.push(kind);
            answer.extend_from_slice(&length.to_be_bytes());
            append(&mut server, &mut answer, length).await?;
            let greeted = talk.ready.load(Ordering::SeqCst);
            if kind == b'Z' && greeted && lock(&talk.counting).pop_front() == Some(true) {
                let before = self.answered.fetch_add(1, Ordering::SeqCst);
                if before >= self.last.load(Ordering::SeqCst) {
                    return self.fall().await;
                }
            }
            if kind == b'Z' {
                talk.ready.store(true, Ordering::SeqCst);
            }
            // What is not answered whole is not heard; only the greeting is a conversation.
            if kind == b'Z' || !greeted {
                client.write_all(&answer).await?;
                answer.clear();
            }
        }
    }

    /// The cut: nothing passes any more, in either direction, until everybody has hung up.
    async fn fall(&self) -> std::io::Result<()> {
        lock(&self.cut).cancel();
        std::future::pending().await
    }
}

/// What one connection talks about.
#[derive(Default)]
struct Talk {
    /// The greeting is over.
    ready: AtomicBool,
    /// Of the trips that are under way, whether they count.
    counting: Mutex<VecDeque<bool>>,
}

/// Whether a trip is a step of somebody's work. Pools ask whether a connection is well, and take back what was begun,
/// whenever they come to it.
fn counts(trip: &[u8]) -> bool {
    trip != b"S\0\0\0\x04" && trip.get(5..) != Some(b"ROLLBACK\0")
}

/// The rest of a message whose length counts its own four bytes.
async fn append(
    from: &mut (impl AsyncRead + Unpin),
    message: &mut Vec<u8>,
    length: u32,
) -> std::io::Result<()> {
    let rest = usize::try_from(length).unwrap_or_default().saturating_sub(4);
    let start = message.len();
    message.resize(start + rest, 0);
    from.read_exact(&mut message[start..]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_loses_what_was_not_asked_and_keeps_what_was_done_and_not_heard() {
    let database = gtm::testing::database().await;
    sqlx::query("CREATE TABLE written (n bigint)").execute(&database.pool).await.unwrap();
    let line = Line::to(&database.options);
    let count = || async {
        let count = "SELECT count(*) FROM written";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&database.pool).await.unwrap()
    };
    // Begin, insert, commit: the commit alone decides.
    let mut kept = 0;
    for (trips, unheard, ends, writes) in [
        (0, false, false, 0),
        (2, false, false, 0),
        (1, true, false, 0),
        (2, true, false, 1),
        (3, false, true, 1),
        (9, true, true, 1),
    ] {
        let pool = gtm::platform::db::connect(line.options(), 1).await.unwrap();
        // Statements are prepared by a trip of their own, the first time.
        sqlx::query("INSERT INTO written SELECT 1 WHERE false").execute(&pool).await.unwrap();
        let work = async {
            let mut tx = gtm::platform::db::begin(&pool).await.unwrap();
            sqlx::raw_sql("INSERT INTO written VALUES (1)").execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        };
        let ended = line.cut_at(Cut { trips, unheard }, work).await;
        assert_eq!(ended.is_some(), ends, "{trips} {unheard}");
        pool.close().await;
        kept += writes;
        // The server notices the end of a session in its own time.
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'
                      AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&database.pool).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(count().await, kept, "{trips} {unheard}");
    }
}
