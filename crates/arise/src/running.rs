//! The server that runs on a data folder: it says so in a file there, and takes the orders of whoever can read that file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;

/// Long enough for whatever a server answers at all.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// `host:port` of this machine.
    address: String,
    key: String,
}

fn file(data: &Path) -> PathBuf {
    data.join("running.json")
}

/// Says that a server runs here, until this is dropped.
pub(crate) struct Sign(PathBuf);

impl Sign {
    /// Only the owner of the data folder may read the key, as far as its file system knows owners.
    pub(crate) fn put_up(data: &Path, base: &str, key: &str) -> anyhow::Result<Self> {
        let path = file(data);
        let _ = fs::remove_file(&path);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let address = base.trim_start_matches("http://").to_owned();
        let text = serde_json::to_vec(&Running { address, key: key.to_owned() })?;
        let written = options.open(&path).and_then(|mut file| file.write_all(&text));
        written.with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        // A stick may be gone already.
        let _ = fs::remove_file(&self.0);
    }
}

/// A key that nobody guesses.
pub(crate) fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).context("no randomness from the system")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Running {
    /// The server of this data folder, if there is one that answers.
    pub(crate) fn find(data: &Path) -> Option<Self> {
        let running: Self = serde_json::from_slice(&fs::read(file(data)).ok()?).ok()?;
        running.call(Method::GET, "/api/admin/backups/progress", None).ok().map(|_| running)
    }

    /// # Errors
    /// What the server says against it.
    pub(crate) fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let answer = tokio::time::timeout(PATIENCE, self.exchange(method, path, body)).await;
            answer.context("the server doesn't answer")?
        })
    }

    /// [`Running::call`] with bodies that may be anything.
    ///
    /// # Errors
    /// What the server says against it.
    pub(crate) fn send(&self, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let answer = tokio::time::timeout(PATIENCE, self.exchange_bytes(method, path, body)).await;
            answer.context("the server doesn't answer")?
        })
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let bytes = self.exchange_bytes(method, path, body.into_bytes()).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn exchange_bytes(&self, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match answer["error"].as_str() {
            Some(error) if status != StatusCode::UNAUTHORIZED => bail!("{error}"),
            _ => bail!("the server answered {status}"),
        }
    }
}
