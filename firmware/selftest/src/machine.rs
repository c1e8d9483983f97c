//! QEMU's `virt` machine: a 16550 serial line to print to, and a test finisher to end with.

use core::fmt::Write;

const UART: *mut u8 = 0x1000_0000 as *mut u8;
const FINISHER: *mut u32 = 0x0010_0000 as *mut u32;

/// The serial line.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the transmit register of the machine's 16550, which is always there and never full in QEMU.
            unsafe { UART.write_volatile(byte) };
        }
        Ok(())
    }
}

/// Ends QEMU: with code 0 if all went well, else with 1.
pub fn finish(well: bool) -> ! {
    let word = if well { 0x5555 } else { 0x0001_3333 };
    // SAFETY: the machine's "sifive_test" device, which is always there.
    unsafe { FINISHER.write_volatile(word) };
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "FAILED: {info}");
    finish(false)
}
