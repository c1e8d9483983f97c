//! Sensors on serial lines: the simulated one behind a pseudo-terminal, and a real one on a port.

use std::{
    io::{ErrorKind, Read, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serialport::{SerialPort, TTYPort};

use crate::sensor::VirtualSensor;

/// The family's factory setting.
const BAUD: u32 = 57_600;
/// How long a read waits, which is also how exactly the simulated sensor keeps its time.
const PATIENCE: Duration = Duration::from_millis(2);

/// A simulated sensor behind a pseudo-terminal, for any program that drives the real one.
#[derive(Debug)]
pub struct PtySensor {
    path: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<VirtualSensor>>,
    /// Keeps the terminal alive while nobody has it open.
    _slave: TTYPort,
}

impl PtySensor {
    /// Starts it; `act` is called again and again with the time in ms, to place and lift fingers.
    pub fn start(
        mut sensor: VirtualSensor,
        mut act: impl FnMut(u64, &mut VirtualSensor) + Send + 'static,
    ) -> Result<Self, serialport::Error> {
        let (mut master, slave) = TTYPort::pair()?;
        let path = slave.name().unwrap_or_default();
        master.set_timeout(PATIENCE)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let mut buffer = [0; 256];
            while !stopped.load(Ordering::Relaxed) {
                let count = master.read(&mut buffer).unwrap_or(0);
                let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                act(now, &mut sensor);
                sensor.receive(now, &buffer[..count]);
                if master.write_all(&sensor.output(now)).is_err() {
                    break;
                }
            }
            sensor
        });
        Ok(Self { path, stop, thread: Some(thread), _slave: slave })
    }

    /// The terminal's path, such as `/dev/pts/3`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Ends it and gives the sensor back; `None` if its thread panicked.
    pub fn stop(mut self) -> Option<VirtualSensor> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|t| t.join().ok())
    }
}

/// A sensor on a serial port.
#[derive(Debug)]
pub(crate) struct PortSensor {
    writer: Box<dyn SerialPort>,
    bytes: Receiver<Vec<u8>>,
}

impl PortSensor {
    pub(crate) fn open(path: &Path) -> Result<Self, serialport::Error> {
        let port =
            serialport::new(path.to_string_lossy(), BAUD).timeout(Duration::from_millis(100)).open()?;
        let reader = port.try_clone()?;
        let (sender, bytes) = channel();
        std::thread::spawn(move || read(reader, &sender));
        Ok(Self { writer: port, bytes })
    }

    /// A write that fails is seen by the device as a sensor that doesn't answer.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.writer.write_all(bytes);
    }

    pub(crate) fn received(&self) -> Vec<u8> {
        self.bytes.try_iter().flatten().collect()
    }
}

fn read(mut port: Box<dyn SerialPort>, sender: &Sender<Vec<u8>>) {
    let mut buffer = [0; 256];
    loop {
        match port.read(&mut buffer) {
            Ok(count) => {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
            // Silence, but the receiver may be gone.
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                if sender.send(Vec::new()).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}
