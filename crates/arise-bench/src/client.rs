//! A client that costs little, so that the server's share of the machine is what is measured: requests are
//! written before the clock starts.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends each list of requests over a connection of its own, all at once. Answers the time of every request
/// and how long all took together.
pub(crate) async fn drive(
    address: SocketAddr,
    connections: Vec<Vec<Vec<u8>>>,
    expected: &'static str,
) -> anyhow::Result<(Vec<Duration>, Duration)> {
    let mut streams = Vec::with_capacity(connections.len());
    for requests in connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push((stream, requests));
    }
    let start = Instant::now();
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|(mut stream, requests)| {
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(requests.len());
                let mut buffer = Vec::with_capacity(4_096);
                for request in &requests {
                    let start = Instant::now();
                    stream.write_all(request).await?;
                    read_answer(&mut stream, &mut buffer, expected).await?;
                    times.push(start.elapsed());
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok((all, start.elapsed()))
}

pub(crate) async fn read_answer(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    expected: &str,
) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        if let Some((head, body)) = split(buffer)
            && body.len() >= content_length(head)?
        {
            let text = std::str::from_utf8(buffer)?;
            if !text.starts_with("HTTP/1.1 200") || !text.contains(expected) {
                bail!("unexpected answer: {text}");
            }
            return Ok(());
        }
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((&bytes[..end], &bytes[end + 4..]))
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let value = head
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
        .context("the answer has no length")?;
    Ok(value.1.trim().parse()?)
}

/// One GET on a connection of its own; the whole answer as text.
pub(crate) fn get(address: SocketAddr, path: &str, token: Option<&str>) -> anyhow::Result<String> {
    send(address, "GET", path, token, "")
}

/// One POST on a connection of its own; the whole answer as text.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> anyhow::Result<String> {
    send(address, "POST", path, None, body)
}

/// One request on a connection of its own; the whole answer as text.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> anyhow::Result<String> {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         {bearer}Connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
