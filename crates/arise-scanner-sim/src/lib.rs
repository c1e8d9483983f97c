//! The classroom scanner on a host.
//!
//! It is the same device as in a classroom, [`arise_scanner::device::Device`], with everything around it made of software:
//! flash in memory or a file that can lose power at any byte ([`flash`]), a fingerprint sensor that speaks the wire protocol
//! ([`sensor`]) in memory or behind a pseudo-terminal ([`pty`]), a display as text or PNG ([`display`]), students whose
//! fingers come at a human pace ([`script`], [`play`]), and a network that can fail ([`http`]). [`simulator::Simulator`] puts them
//! together and talks to a real server; with a serial port instead of the simulated sensor it is a scanner itself.

pub mod display;
pub mod flash;
pub mod http;
pub mod play;
pub mod pty;
pub mod script;
pub mod sensor;
pub mod simulator;

pub use play::{Manners, Report};
pub use script::{Script, Touch};
pub use simulator::{Fingers, SimConfig, SimError, Simulator};
