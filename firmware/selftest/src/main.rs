//! The scanner's core on 32-bit RISC-V without an operating system: what the images for ESP32-C3 and ESP32-C6 consist of but
//! for pins and radio. Run by QEMU; the exit code says how it went.
#![no_std]
#![no_main]

mod machine;
mod memory;

use core::fmt::Write;

use arise_scanner::{
    clock::Clock,
    device::{Device, Event, Info, MAX_REQUEST, face},
    flash::{FlashError, Layout},
    frame::{BROADCAST, Decoder, Kind, encode},
    http::Answer,
    mark::Mark,
    screen::{HEIGHT, Status, View, WIDTH, draw},
    session::SessionId,
    sign::signature,
    store::Store,
    text::clipped,
    wire,
};
use embedded_graphics::{pixelcolor::BinaryColor, prelude::*};
use machine::{Console, finish};
use memory::{FLASH, Ram};
use static_cell::StaticCell;

macro_rules! check {
    ($count:ident, $what:expr, $truth:expr) => {
        assert!($truth, "{}", $what);
        $count += 1;
    };
}

#[riscv_rt::entry]
fn main() -> ! {
    let mut checks = 0;
    let _ = writeln!(Console, "self-test of arise-scanner");
    checks += frames_and_signatures();
    checks += screens();
    static RAM: StaticCell<Ram> = StaticCell::new();
    let ram = RAM.init_with(Ram::blank);
    checks += memory(ram);
    ram.wipe();
    checks += device(ram);
    let _ = writeln!(Console, "all is well: {checks} checks");
    finish(true)
}

fn frames_and_signatures() -> u32 {
    let mut count = 0;
    let frame = encode(Kind::Command, BROADCAST, &[0x13, 0, 0, 0, 0]).unwrap_or_default();
    check!(count, "the manual's frame", frame.ends_with(&[1, 0, 7, 0x13, 0, 0, 0, 0, 0, 0x1B]));
    let mut decoder = Decoder::new();
    let frames = frame.iter().filter_map(|byte| decoder.push(*byte)).filter(Result::is_ok).count();
    check!(count, "a frame comes back", frames == 1);
    let key = core::array::from_fn(|i| i as u8);
    let sign = signature(&key, "POST", "/api/device/marks", 7, b"{\"marks\":[]}");
    check!(
        count,
        "HMAC-SHA256",
        sign.as_str() == "5f747ada1f2c25f4043a02a1fd3e74f71c89b7da1eaa2d56a55f4b0d8cd2d78c"
    );
    let mut answer: Answer<64> = Answer::new();
    let whole = answer.push(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    check!(count, "an HTTP answer", whole == Ok(true) && answer.status() == 200 && answer.keep_alive());
    count
}

struct Panel {
    lit: u32,
    outside: u32,
}

impl OriginDimensions for Panel {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl DrawTarget for Panel {
    type Color = BinaryColor;
    type Error = core::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(at, color) in pixels {
            let inside = (0..WIDTH as i32).contains(&at.x) && (0..HEIGHT as i32).contains(&at.y);
            self.lit += u32::from(inside && color.is_on());
            self.outside += u32::from(!inside && color.is_on());
        }
        Ok(())
    }
}

fn screens() -> u32 {
    let mut count = 0;
    let status = Status { bars: Some(3), queued: 5000, refused: 12, battery: Some(80), usb: true };
    for face::Face(main, sub) in face::ALL {
        let mut panel = Panel { lit: 0, outside: 0 };
        let Ok(()) = draw(&mut panel, &status, &View::new(main, sub));
        check!(count, main, panel.lit > 200 && panel.outside == 0);
    }
    count
}

fn mark(n: u16) -> Mark {
    let session = Some(SessionId([n as u8; 16]));
    Mark {
        seq: 0,
        session,
        slot: n,
        boot: 1,
        uptime_ms: n.into(),
        observed_at: Some(1_800_000_000_000 + i64::from(n)),
    }
}

/// Marks until the flash is full, restarts, power cuts, and everything sent.
fn memory(ram: &mut Ram) -> u32 {
    let mut count = 0;
    let layout = Layout::device();
    check!(count, "the layout fits", layout.len() as usize == FLASH);
    let mut pushed = 0_usize;
    match Store::open(&mut *ram, &layout) {
        Ok(mut store) => loop {
            match store.push(mark(pushed as u16)) {
                Ok(_) => pushed += 1,
                Err(FlashError::Full) => break,
                Err(error) => panic!("{error:?}"),
            }
        },
        Err(error) => panic!("{error:?}"),
    }
    check!(count, "5,000 marks", pushed >= 5000);
    let mut left = pushed;
    let mut counter = 0;
    for cut in (1..).step_by(97) {
        ram.cut_after(Some(cut));
        if let Ok(mut store) = Store::open(&mut *ram, &layout) {
            if let Ok(marks) = store.batch(20, None, &Clock::default()) {
                let seqs: heapless::Vec<u32, 20> = marks.iter().map(|m| m.seq).collect();
                let _ = store.confirm(&seqs);
            }
        }
        ram.cut_after(None);
        match Store::open(&mut *ram, &layout) {
            Ok(mut store) => {
                check!(
                    count,
                    "a cut loses only what was confirmed",
                    store.queued() <= left && left - store.queued() <= 20
                );
                left = store.queued();
                let next = store.next_request().unwrap_or(0);
                check!(count, "the counter rises", next > counter);
                counter = next;
                if left == 0 || count > 600 {
                    break;
                }
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    let _ = writeln!(Console, "{pushed} marks fitted, {left} left after the power cuts");
    count
}

/// A device is configured over its console and asks its server for a key.
fn device(ram: &mut Ram) -> u32 {
    let mut count = 0;
    let info = Info { mac: clipped("aa:bb:cc:dd:ee:ff"), firmware: "0" };
    let mut device = match Device::new(ram, &Layout::device(), info) {
        Ok(device) => device,
        Err(error) => panic!("{error:?}"),
    };
    let out = device.step(10, Event::ConsoleBytes(b"help\r"));
    check!(count, "help is printed", out.console && device.take_console().contains("clear-refused"));
    check!(count, "the sensor is greeted", !out.sensor.is_empty());
    device.step(20, Event::ConsoleBytes(b"wifi \"a school\" password1\r"));
    device.step(30, Event::ConsoleBytes(b"server http://10.0.0.1:5000\r"));
    check!(count, "the network is known", device.network() == ("a school", "password1"));
    device.step(40, Event::WifiUp(-60));
    let out = device.step(50, Event::ConsoleBytes(b"pair CODE\r"));
    let mut bytes: heapless::Vec<u8, MAX_REQUEST> = heapless::Vec::new();
    let id = device.request(&mut bytes);
    check!(
        count,
        "it asks to be paired",
        out.request && bytes.starts_with(b"POST /api/device/pair HTTP/1.1\r\n")
    );
    let body = br#"{"device_id":"01900000-0000-7000-8000-000000000001","key":"0101010101010101010101010101010101010101010101010101010101010101"}"#;
    let out = device.step(60, Event::Answer { id: id.unwrap_or(0), status: 200, body });
    check!(count, "it is paired", device.store().identity.is_some());
    check!(count, "it speaks to its server", out.request && device.request(&mut bytes).is_some());
    let text = core::str::from_utf8(&bytes).unwrap_or("");
    check!(
        count,
        "its requests are signed",
        text.contains("X-Arise-Signature: ") && text.contains("X-Arise-Counter: 1\r\n")
    );
    check!(count, "and are of the right kind", text.starts_with("POST ") && text.contains(wire::HEARTBEAT));
    count
}
