//! A client that costs little, since it shares the cores with what it measures: HTTP/1.1 on connections that are kept.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Sends a request, and reads the answer to its end.
    pub async fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> std::io::Result<Answer> {
        let body = body.unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{kind}content-length: {}\r\n\r\n", body.len());
        self.stream.write_all(format!("{head}{body}").as_bytes()).await?;
        self.buffer.clear();
        let (mut end, mut status, mut length) = (None, 0, 0);
        loop {
            if end.is_none() {
                end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
                if let Some(end) = end {
                    (status, length) = head_of(&self.buffer[..end]);
                }
            }
            match end {
                Some(end) if self.buffer.len() >= end + length => {
                    return Ok(Answer { status, body: self.buffer[end..end + length].to_vec() });
                }
                _ if self.stream.read_buf(&mut self.buffer).await? == 0 => {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                _ => {}
            }
        }
    }
}

/// Status and length of the body.
fn head_of(head: &[u8]) -> (u16, usize) {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    (status, length.unwrap_or(0))
}

/// What a load found.
pub struct Measured {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub slowest: Duration,
}

/// Asks for `paths` in turn on so many connections at once, each as soon as it has its answer, for a time.
///
/// # Panics
/// Where an answer is not 200.
pub async fn load(port: u16, paths: &[String], (connections, lasting): (usize, Duration)) -> Measured {
    let start = now();
    let tasks: Vec<_> = (0..connections)
        .map(|first| {
            let paths = paths.to_vec();
            tokio::spawn(async move {
                let mut connection = Connection::open(port).await.expect("it listens");
                let mut took = Vec::with_capacity(100_000);
                let mut next = first * paths.len() / connections;
                while start.elapsed() < lasting {
                    let asked = now();
                    let answer = connection.ask("GET", &paths[next % paths.len()], None).await.expect("it answers");
                    took.push(asked.elapsed());
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    next += 1;
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.expect("it does not panic"));
    }
    let per_second = took.len() as f64 / start.elapsed().as_secs_f64();
    took.sort_unstable();
    let share = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let rank = (took.len() as f64 * share).ceil() as usize;
        took[rank.clamp(1, took.len()) - 1]
    };
    Measured { per_second, p50: share(0.5), p99: share(0.99), slowest: share(1.0) }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub fn now() -> Instant {
    Instant::now()
}
