//! A load generator that costs little itself: raw HTTP/1.1 over kept-alive connections, requests made by a closure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How a run went.
pub struct Outcome {
    pub requests: u64,
    pub elapsed: Duration,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends requests over `connections` connections for a time; `make` writes the request of a number.
pub async fn drive<F>(address: SocketAddr, connections: usize, time: Duration, make: F) -> Outcome
where
    F: Fn(u64, &mut Vec<u8>) + Send + Sync + 'static,
{
    let (make, next) = (Arc::new(make), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (make, next) = (make.clone(), next.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut request = Vec::with_capacity(1_024);
            let mut done = 0;
            while start.elapsed() < time {
                request.clear();
                make(next.fetch_add(1, Ordering::Relaxed), &mut request);
                connection.exchange(&request).await;
                done += 1;
            }
            done
        });
    }
    let mut requests = 0;
    while let Some(done) = tasks.join_next().await {
        requests += done.unwrap();
    }
    Outcome { requests, elapsed: start.elapsed() }
}

/// As [`drive`], at a given rate: each connection sends its requests at their times, late ones at once.
pub async fn paced<F>(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    per_second: f64,
    make: F,
) -> Outcome
where
    F: Fn(u64, &mut Vec<u8>) + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let step = Duration::from_secs_f64(connections as f64 / per_second);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for one in 0..connections {
        let make = make.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut request = Vec::with_capacity(1_024);
            // Spread, so that the connections do not send at once.
            let mut at = step.mul_f64(one as f64 / connections as f64);
            let mut done = 0_u64;
            while at < time {
                tokio::time::sleep_until((start + at).into()).await;
                request.clear();
                make(done * connections as u64 + one as u64, &mut request);
                connection.exchange(&request).await;
                done += 1;
                at += step;
            }
            done
        });
    }
    let mut requests = 0;
    while let Some(done) = tasks.join_next().await {
        requests += done.unwrap();
    }
    Outcome { requests, elapsed: start.elapsed() }
}

/// The body of a page.
pub async fn get(address: SocketAddr, path: &str, key: &str) -> String {
    let mut connection = Connection::open(address).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n");
    connection.exchange(request.as_bytes()).await;
    let answer = String::from_utf8_lossy(&connection.buffer).into_owned();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// A kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4_096) }
    }

    /// Sends a request and reads its answer, which must be a success.
    pub async fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&self.buffer));
            if let Some(end) = complete(&self.buffer) {
                assert!(
                    self.buffer.starts_with(b"HTTP/1.1 20"),
                    "{}",
                    String::from_utf8_lossy(&self.buffer[..end])
                );
                return;
            }
        }
    }
}

/// The length of the answer in the buffer, when it is all there.
fn complete(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (buffer.len() >= head + length).then_some(head + length)
}

/// Writes a POST with a JSON body.
pub fn post(path: &str, content_type: &str, key: &str, body: &str, into: &mut Vec<u8>) {
    use std::io::Write;
    write!(
        into,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
}
