//! Which pin does what: the only place to change for another board.
//!
//! | use | ESP32-C3 | ESP32-C6 |
//! |---|---|---|
//! | sensor, device sends | GPIO4 | GPIO2 |
//! | sensor, device receives | GPIO5 | GPIO3 |
//! | display SDA, SCL | GPIO6, GPIO7 | GPIO6, GPIO7 |
//! | battery through 2 × 100 kΩ | GPIO0 | GPIO0 |
//! | external power through 100 kΩ and 150 kΩ | GPIO1 | GPIO1 |
//! | buzzer | GPIO10 | GPIO10 |
//! | console, device sends, receives | GPIO21, GPIO20 | GPIO16, GPIO17 |

/// The sensor's serial pins: transmit, receive. GPIO4 and GPIO5 of the C6 choose how it starts, so they stay free there.
#[cfg(feature = "esp32c3")]
macro_rules! sensor_pins {
    ($p:ident) => {
        ($p.GPIO4, $p.GPIO5)
    };
}
#[cfg(feature = "esp32c6")]
macro_rules! sensor_pins {
    ($p:ident) => {
        ($p.GPIO2, $p.GPIO3)
    };
}

/// The console's serial pins: transmit, receive. They are those of the boards' USB serial chips.
#[cfg(feature = "esp32c3")]
macro_rules! console_pins {
    ($p:ident) => {
        ($p.GPIO21, $p.GPIO20)
    };
}
#[cfg(feature = "esp32c6")]
macro_rules! console_pins {
    ($p:ident) => {
        ($p.GPIO16, $p.GPIO17)
    };
}

pub(crate) use {console_pins, sensor_pins};

/// The battery is measured behind a divider of two equal resistors.
pub const BATTERY_DIVIDER: u16 = 2;
