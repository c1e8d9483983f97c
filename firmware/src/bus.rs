//! What the tasks tell each other.

use arise_scanner::{
    device::MAX_REQUEST,
    frame::MAX_FRAME,
    screen::{Status, View},
    text::Text,
    wire::MAX_ANSWER,
};
use embassy_sync::{
    blocking_mutex::raw::CriticalSectionRawMutex, channel::Channel, mutex::Mutex, signal::Signal,
};
use heapless::Vec;

type Raw = CriticalSectionRawMutex;

/// For the device, from everybody.
pub enum Message {
    Sensor(Vec<u8, 64>),
    Console(Vec<u8, 64>),
    /// Joined, with the signal in dBm; or not.
    Wifi(Option<i8>),
    /// The answer's body is in [`ANSWER`].
    Answer {
        id: u32,
        status: u16,
    },
    NoAnswer {
        id: u32,
    },
    Power {
        millivolts: u16,
        usb: bool,
    },
}

/// A request whose bytes are in [`REQUEST`].
pub struct Send {
    pub id: u32,
    pub host: Text<64>,
    pub port: u16,
}

pub static EVENTS: Channel<Raw, Message, 16> = Channel::new();
pub static TO_SENSOR: Channel<Raw, Vec<u8, MAX_FRAME>, 4> = Channel::new();
pub static TO_SERVER: Channel<Raw, Send, 1> = Channel::new();
/// The newest picture; one that wasn't drawn yet is forgotten.
pub static PICTURE: Signal<Raw, (Status, View)> = Signal::new();
/// The network to join: name, password.
pub static NETWORK: Signal<Raw, (Text<32>, Text<64>)> = Signal::new();
pub static BEEP: Signal<Raw, ()> = Signal::new();
/// For both consoles. A console that nobody reads loses text.
pub static TO_UART: Channel<Raw, Vec<u8, 128>, 20> = Channel::new();
pub static TO_USB: Channel<Raw, Vec<u8, 128>, 20> = Channel::new();
/// One request is under way at a time, so one buffer for each way is enough.
pub static REQUEST: Mutex<Raw, Vec<u8, MAX_REQUEST>> = Mutex::new(Vec::new());
pub static ANSWER: Mutex<Raw, Vec<u8, MAX_ANSWER>> = Mutex::new(Vec::new());
