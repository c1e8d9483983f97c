//! The charge of one lithium-ion cell, and when to stop before it is harmed.

/// At and below this the device turns itself off: the display and radio brown out soon after, and a cell that is
/// drained further ages.
pub const CUTOFF_MILLIVOLTS: u16 = 3300;
/// At and below this the display and the heartbeat warn, percent.
pub const LOW_PERCENT: u8 = 15;
/// So many readings in a row must lie under the cutoff: one radio burst pulls the voltage down for some milliseconds.
const READINGS: u8 = 3;

/// Voltage at rest against charge for a 3.7 V cell at 0.2 C, percent falling. The curve is flat in the middle, which is
/// why a straight line between full and empty shows 60 % for hours and then drops.
const CURVE: [(u16, u8); 12] = [
    (4180, 100),
    (4060, 90),
    (3980, 80),
    (3920, 70),
    (3870, 60),
    (3820, 50),
    (3790, 40),
    (3770, 30),
    (3740, 20),
    (3680, 10),
    (3450, 5),
    (CUTOFF_MILLIVOLTS, 0),
];

/// Charge in percent, 0–100, for a voltage in millivolts.
#[must_use]
pub fn percent(millivolts: u16) -> u8 {
    let mut above = CURVE[0];
    if millivolts >= above.0 {
        return 100;
    }
    for point in &CURVE[1..] {
        if millivolts >= point.0 {
            let share =
                u32::from(millivolts - point.0) * u32::from(above.1 - point.1) / u32::from(above.0 - point.0);
            return point.1 + u8::try_from(share).unwrap_or(0);
        }
        above = *point;
    }
    0
}

/// What the last readings say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Battery {
    /// Percent; `None` before the first reading.
    pub percent: Option<u8>,
    /// External power is present.
    pub usb: bool,
    under: u8,
}

impl Battery {
    /// Takes a reading; true when the device must turn itself off now.
    pub fn read(&mut self, millivolts: u16, usb: bool) -> bool {
        self.percent = Some(percent(millivolts));
        self.usb = usb;
        self.under = if usb || millivolts > CUTOFF_MILLIVOLTS { 0 } else { self.under.saturating_add(1) };
        self.under >= READINGS
    }

    /// Whether to warn.
    #[must_use]
    pub fn low(&self) -> bool {
        !self.usb && self.percent.is_some_and(|p| p <= LOW_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_never_rises_while_the_voltage_falls() {
        let mut last = 100;
        for millivolts in (3000..=4300).rev() {
            let now = percent(millivolts);
            assert!(now <= last, "{millivolts} mV: {now} after {last}");
            last = now;
        }
        assert_eq!((percent(4300), percent(3820), percent(3300), percent(0)), (100, 50, 0, 0));
    }

    #[test]
    fn one_dip_does_not_turn_it_off_and_usb_never_does() {
        let mut battery = Battery::default();
        assert!(!battery.read(3290, false));
        assert!(!battery.read(3290, false));
        assert!(!battery.read(3310, false));
        assert!(!battery.read(3300, false));
        assert!(!battery.read(3300, false));
        assert!(battery.read(3300, false));
        assert!(!battery.read(3000, true));
        assert!(!battery.low());
    }
}
