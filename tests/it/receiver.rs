//! A receiver of deliveries that behaves as badly as it is told to, on a socket of its own.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use gtm::platform::lifecycle::Lifecycle;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What to do with one request.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// Answer with a status, further headers (`name: value\r\n` each) and a body.
    Status(u16, &'static str, &'static [u8]),
    /// Read the request and break the connection.
    Reset,
    /// Read the request and say nothing for as long as the connection lasts.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Takes requests until it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    life: Lifecycle,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Reply>>,
    received: Mutex<Vec<Received>>,
    came: Notify,
}

impl Receiver {
    /// Behaves as in `script`, request by request, and well afterwards.
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { script: Mutex::new(script.into_iter().collect()), ..Shared::default() });
        let life = Lifecycle::new();
        let (ours, tasks) = (shared.clone(), life.clone());
        drop(life.run(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = ours.clone();
                drop(tasks.run(async move { shared.serve(stream).await.unwrap_or_default() }));
            }
        }));
        Self { address, shared, life }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, count: usize) {
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            if lock(&self.shared.received).len() >= count {
                return;
            }
            came.await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.life.hard().cancel();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Shared {
    /// One request per connection.
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(request) = read(&mut stream).await? else { return Ok(()) };
        let reply = lock(&self.script).pop_front().unwrap_or(Reply::Status(204, "", b""));
        lock(&self.received).push(request);
        self.came.notify_waiters();
        match reply {
            Reply::Status(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body).await?;
                stream.shutdown().await
            }
            Reply::Reset => stream.set_zero_linger(),
            Reply::Silence => stream.read_to_end(&mut Vec::new()).await.map(drop),
        }
    }
}

/// Reads one request; none when the other side went away first.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Received>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(&bytes[..head]).lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Received { headers, body }))
}
