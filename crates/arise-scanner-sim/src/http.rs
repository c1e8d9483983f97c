//! The network: one connection that is kept open, and the ways in which it can fail.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};

use arise_scanner::{http::Answer, wire::MAX_ANSWER};

/// What goes wrong with the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The server can't be reached.
    Unreachable,
    /// The server gets the request and its answer is lost.
    AnswerLost,
    /// Every request takes so much longer, ms.
    Slow(u64),
}

/// A fault that can be changed while the scanner runs.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Fault>>);

impl Faults {
    /// From now on.
    pub fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = fault;
    }

    #[must_use]
    pub fn get(&self) -> Fault {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A request for [`serve`].
#[derive(Debug)]
pub struct Job {
    pub id: u32,
    pub host: String,
    pub port: u16,
    /// Head and body.
    pub bytes: Vec<u8>,
}

/// What came of it: status and body, or nothing.
#[derive(Debug)]
pub struct Outcome {
    pub id: u32,
    pub answer: Option<(u16, Vec<u8>)>,
}

/// Sends requests one after another until the sender of `jobs` is gone.
pub fn serve(jobs: &Receiver<Job>, outcomes: &Sender<Outcome>, faults: &Faults, timeout: Duration) {
    let mut client = Client { stream: None, timeout };
    // A wait that nothing ends but its timeout.
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    for job in jobs {
        let fault = faults.get();
        let answer = match fault {
            Fault::Unreachable => {
                client.stream = None;
                None
            }
            Fault::AnswerLost => {
                // The answer is read and forgotten; the scanner sees a timeout.
                client.exchange(&job);
                client.stream = None;
                None
            }
            Fault::Slow(ms) => {
                let _ = never.recv_timeout(Duration::from_millis(ms));
                client.exchange(&job)
            }
            Fault::None => client.exchange(&job),
        };
        if outcomes.send(Outcome { id: job.id, answer }).is_err() {
            return;
        }
    }
}

struct Client {
    stream: Option<((String, u16), TcpStream)>,
    timeout: Duration,
}

impl Client {
    fn exchange(&mut self, job: &Job) -> Option<(u16, Vec<u8>)> {
        let server = (job.host.clone(), job.port);
        // A kept connection may have been closed by the server in the meantime; then nothing at all comes back, and
        // the request is sent once more on a new one.
        if let Some((to, stream)) = self.stream.take()
            && to == server
            && let Ok(answer) = self.on(stream, server.clone(), &job.bytes)
        {
            return Some(answer);
        }
        let stream = self.connect(&job.host, job.port).ok()?;
        self.on(stream, server, &job.bytes).ok()
    }

    fn connect(&self, host: &str, port: u16) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(self.timeout))?;
                    stream.set_write_timeout(Some(self.timeout))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn on(
        &mut self,
        mut stream: TcpStream,
        server: (String, u16),
        bytes: &[u8],
    ) -> std::io::Result<(u16, Vec<u8>)> {
        stream.write_all(bytes)?;
        let mut answer: Answer<MAX_ANSWER> = Answer::new();
        let mut buffer = [0; 2048];
        loop {
            let count = stream.read(&mut buffer)?;
            let whole = match count {
                0 => answer.closed(),
                _ => answer.push(&buffer[..count]).map_err(|e| std::io::Error::other(format!("{e:?}")))?,
            };
            if whole {
                if count > 0 && answer.keep_alive() {
                    self.stream = Some((server, stream));
                }
                return Ok((answer.status(), answer.body().to_vec()));
            }
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
