//! What the tests share: real servers, started in temporary folders and gone with the test.

#[cfg(feature = "server")]
pub mod older_system;
pub mod pg;
#[cfg(feature = "server")]
pub mod server;
