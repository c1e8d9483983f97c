//! The scanner on an ESP32-C3 or ESP32-C6: pins and tasks. Everything that it decides is in `arise_scanner`.
#![no_std]
#![no_main]

mod bus;
mod flash;
mod network;
mod pins;

use arise_scanner::{
    device::{Device, Event, Info, Outputs, RETRY_POWER},
    flash::Layout,
    screen::{View, draw},
    text::{clipped, format},
};
use bus::{
    ANSWER, BEEP, EVENTS, Message, NETWORK, PICTURE, REQUEST, Send, TO_SENSOR, TO_SERVER, TO_UART, TO_USB,
};
use embassy_executor::Spawner;
use embassy_net::StackResources;
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io_async::{Read, Write};
use esp_backtrace as _;
use esp_hal::{
    Async,
    analog::adc::{Adc, AdcCalCurve, AdcConfig, AdcPin, Attenuation},
    efuse,
    gpio::{Input, InputConfig, Level, Output, OutputConfig},
    i2c::master::I2c,
    peripherals::{ADC1, GPIO0},
    rng::Rng,
    rtc_cntl::{
        Rtc, RwdtStage,
        sleep::{LowPower, RtcSleepConfig},
    },
    timer::timg::TimerGroup,
    uart::{self, Uart, UartRx, UartTx},
    usb::usb_serial_jtag::{UsbSerialJtag, UsbSerialJtagRx, UsbSerialJtagTx},
};
use esp_radio::wifi::{Interface, WifiController};
use esp_storage::FlashStorage;
use flash::Region;
use ssd1306::{I2CDisplayInterface, Ssd1306Async, mode::DisplayConfigAsync, prelude::*};
use static_cell::StaticCell;

esp_bootloader_esp_idf::esp_app_desc!();

/// How often the device looks at the time when nothing happens.
const TICK: Duration = Duration::from_millis(10);
/// Without a turn of the main loop for so long the chip starts anew. An erasure of a page takes 400 ms at most.
const WATCHDOG: u64 = 8;

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let p = esp_hal::init(esp_hal::Config::default());
    esp_alloc::heap_allocator!(size: 96 * 1024);
    let timers = TimerGroup::new(p.TIMG0);
    esp_rtos::start(timers.timer0, p.FROM_CPU_INTR0);

    let mut rtc = Rtc::new(p.RTC_TIMER);
    rtc.rwdt.set_timeout(RwdtStage::Stage0, esp_hal::time::Duration::from_secs(WATCHDOG));
    rtc.rwdt.enable();

    let (tx, rx) = pins::sensor_pins!(p);
    let sensor = serial(p.UART1, 57_600, tx, rx);
    let (tx, rx) = pins::console_pins!(p);
    let console = serial(p.UART0, 115_200, tx, rx);
    let usb = UsbSerialJtag::new(p.USB_DEVICE).into_async();
    let i2c = i2c(p.I2C0).with_sda(p.GPIO6).with_scl(p.GPIO7).into_async();
    let buzzer = Output::new(p.GPIO10, Level::Low, OutputConfig::default());
    let external = Input::new(p.GPIO1, InputConfig::default());
    let mut config = AdcConfig::new();
    let pin = config.enable_pin_with_cal(p.GPIO0, Attenuation::_11dB);
    let adc = Adc::new(p.ADC1, config);

    start(&spawner, display(i2c));
    let (receive, transmit) = sensor.split();
    start(&spawner, sensor_in(receive));
    start(&spawner, sensor_out(transmit));
    let (receive, transmit) = console.split();
    start(&spawner, uart_in(receive));
    start(&spawner, uart_out(transmit));
    let (receive, transmit) = usb.split();
    start(&spawner, usb_in(receive));
    start(&spawner, usb_out(transmit));
    start(&spawner, beeper(buzzer));
    start(&spawner, battery(adc, pin, external));

    let layout = Layout::device();
    let Some(region) = Region::find(FlashStorage::new(p.FLASH), layout.len()) else {
        halt("No memory", "Flash it with its partition table").await
    };
    let mac = efuse::interface_mac_address(efuse::InterfaceMacAddress::Station);
    let [a, b, c, d, e, f] = *mac.as_bytes().first_chunk().unwrap_or(&[0; 6]);
    let info = Info {
        mac: format(format_args!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")),
        firmware: env!("CARGO_PKG_VERSION"),
    };
    static DEVICE: StaticCell<Device<Region>> = StaticCell::new();
    let device = match Device::new(region, &layout, info) {
        Ok(device) => DEVICE.init(device),
        Err(_) => halt("Memory fails", "This scanner needs repair").await,
    };

    match WifiController::new(p.WIFI, Default::default()) {
        Ok(wifi) => {
            static RESOURCES: StaticCell<StackResources<4>> = StaticCell::new();
            let rng = Rng::new();
            let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
            let dhcp = embassy_net::Config::dhcpv4(Default::default());
            let resources = RESOURCES.init(StackResources::new());
            let (stack, runner) = embassy_net::new(Interface::station(), dhcp, resources, seed);
            start(&spawner, network::stack(runner));
            start(&spawner, network::station(wifi));
            start(&spawner, network::http(stack));
        }
        // A scanner without radio still keeps marks.
        Err(_) => EVENTS.send(Message::Wifi(None)).await,
    }

    let mut low_power = Some(LowPower::new(p.LPWR));
    loop {
        rtc.rwdt.feed();
        let message = with_timeout(TICK, EVENTS.receive()).await.ok();
        let now = Instant::now().as_millis();
        let out = match message {
            None => device.step(now, Event::Tick),
            Some(Message::Sensor(bytes)) => device.step(now, Event::SensorBytes(&bytes)),
            Some(Message::Console(bytes)) => device.step(now, Event::ConsoleBytes(&bytes)),
            Some(Message::Wifi(Some(rssi))) => device.step(now, Event::WifiUp(rssi)),
            Some(Message::Wifi(None)) => device.step(now, Event::WifiDown),
            Some(Message::Answer { id, status }) => {
                let body = ANSWER.lock().await;
                device.step(now, Event::Answer { id, status, body: &body })
            }
            Some(Message::NoAnswer { id }) => device.step(now, Event::NoAnswer { id }),
            Some(Message::Power { millivolts, usb }) => device.step(now, Event::Power { millivolts, usb }),
        };
        carry_out(device, out).await;
        if device.must_turn_off() {
            // Time for the display to say so.
            Timer::after_secs(3).await;
            if let Some(mut power) = low_power.take() {
                let wake = esp_hal::time::Duration::from_secs(RETRY_POWER.into());
                power.set_wakeup_deadline(esp_hal::time::Instant::now() + wake);
                power.sleep_deep(RtcSleepConfig::deep());
            }
        }
    }
}

/// A task's place is reserved when the program is built, and each is started once.
fn start<S>(spawner: &Spawner, token: Result<embassy_executor::SpawnToken<S>, embassy_executor::SpawnError>) {
    match token {
        Ok(token) => spawner.spawn(token),
        Err(_) => panic!("a task was started twice"),
    }
}

async fn carry_out(device: &mut Device<Region>, out: Outputs) {
    if !out.sensor.is_empty() {
        // A full channel means that the sensor's line hangs; the device notices by the missing answer.
        let _ = TO_SENSOR.try_send(out.sensor);
    }
    if out.console {
        let text = device.take_console();
        for part in text.as_bytes().chunks(128) {
            if let Ok(part) = heapless::Vec::from_slice(part) {
                let _ = TO_UART.try_send(part.clone());
                let _ = TO_USB.try_send(part);
            }
        }
    }
    if out.redraw {
        PICTURE.signal((*device.status(), device.view().clone()));
    }
    if out.join_wifi {
        let (ssid, password) = device.network();
        NETWORK.signal((clipped(ssid), clipped(password)));
    }
    if out.beep {
        BEEP.signal(());
    }
    if out.request {
        let id = device.request(&mut *REQUEST.lock().await);
        if let (Some(id), Some((host, port))) = (id, device.server()) {
            // The network's task is free: the device sends one request at a time.
            let _ = TO_SERVER.try_send(Send { id, host: clipped(host), port });
        }
    }
}

async fn halt(main: &str, sub: &str) -> ! {
    PICTURE.signal((Default::default(), View::new(main, sub)));
    loop {
        // The watchdog restarts the chip, which tries again.
        Timer::after_secs(1).await;
    }
}

fn serial<'d>(
    uart: impl uart::Instance + 'd,
    baud: u32,
    tx: impl esp_hal::gpio::interconnect::PeripheralOutput<'d>,
    rx: impl esp_hal::gpio::interconnect::PeripheralInput<'d>,
) -> Uart<'d, Async> {
    match Uart::new(uart, uart::Config::default().with_baudrate(baud)) {
        Ok(uart) => uart.with_tx(tx).with_rx(rx).into_async(),
        Err(_) => panic!("{baud} baud is impossible"),
    }
}

fn i2c<'d>(i2c: impl esp_hal::i2c::master::Instance + 'd) -> I2c<'d, esp_hal::Blocking> {
    let config = esp_hal::i2c::master::Config::default().with_frequency(esp_hal::time::Rate::from_khz(400));
    match I2c::new(i2c, config) {
        Ok(i2c) => i2c,
        Err(_) => panic!("400 kHz is impossible"),
    }
}

/// Draws the newest picture. A display that doesn't answer is tried again with the next one.
#[embassy_executor::task]
async fn display(i2c: I2c<'static, Async>) {
    let interface = I2CDisplayInterface::new(i2c);
    let mut panel = Ssd1306Async::new(interface, DisplaySize128x64, DisplayRotation::Rotate0)
        .into_buffered_graphics_mode();
    let mut ready = false;
    loop {
        let (status, view) = PICTURE.wait().await;
        ready = ready || panel.init().await.is_ok();
        let Ok(()) = draw(&mut panel, &status, &view) else { continue };
        ready = panel.flush().await.is_ok();
    }
}

#[embassy_executor::task]
async fn sensor_in(mut receive: UartRx<'static, Async>) {
    let mut buffer = [0; 64];
    loop {
        // An overrun loses bytes; the checksum or the timeout of the exchange notices.
        let count = receive.read_async(&mut buffer).await.unwrap_or(0);
        if let Ok(bytes) = heapless::Vec::from_slice(&buffer[..count]) {
            EVENTS.send(Message::Sensor(bytes)).await;
        }
    }
}

#[embassy_executor::task]
async fn sensor_out(mut transmit: UartTx<'static, Async>) {
    loop {
        let bytes = TO_SENSOR.receive().await;
        let _ = transmit.write_all(&bytes).await;
    }
}

#[embassy_executor::task]
async fn uart_in(receive: UartRx<'static, Async>) {
    console_in(receive).await;
}

#[embassy_executor::task]
async fn usb_in(receive: UsbSerialJtagRx<'static, Async>) {
    console_in(receive).await;
}

async fn console_in(mut receive: impl Read) {
    let mut buffer = [0; 64];
    loop {
        match receive.read(&mut buffer).await {
            Ok(count) => {
                if let Ok(bytes) = heapless::Vec::from_slice(&buffer[..count]) {
                    EVENTS.send(Message::Console(bytes)).await;
                }
            }
            Err(_) => Timer::after_millis(10).await,
        }
    }
}

#[embassy_executor::task]
async fn uart_out(mut transmit: UartTx<'static, Async>) {
    loop {
        let text = TO_UART.receive().await;
        let _ = transmit.write_all(&text).await;
    }
}

#[embassy_executor::task]
async fn usb_out(mut transmit: UsbSerialJtagTx<'static, Async>) {
    loop {
        let text = TO_USB.receive().await;
        // Without a host at the other end this never ends.
        let _ = with_timeout(Duration::from_millis(200), transmit.write_all(&text)).await;
    }
}

#[embassy_executor::task]
async fn beeper(mut buzzer: Output<'static>) {
    loop {
        BEEP.wait().await;
        for _ in 0..5 {
            buzzer.set_high();
            Timer::after_millis(150).await;
            buzzer.set_low();
            Timer::after_millis(150).await;
        }
    }
}

type BatteryPin = AdcPin<GPIO0<'static>, ADC1<'static>, AdcCalCurve<ADC1<'static>>>;

#[embassy_executor::task]
async fn battery(
    mut adc: Adc<'static, ADC1<'static>, esp_hal::Blocking>,
    mut pin: BatteryPin,
    external: Input<'static>,
) {
    loop {
        let mut sum = 0_u32;
        let mut count = 0;
        for _ in 0..16 {
            for _ in 0..100 {
                if let Ok(millivolts) = adc.read_oneshot(&mut pin) {
                    sum += u32::from(millivolts);
                    count += 1;
                    break;
                }
                Timer::after_micros(200).await;
            }
        }
        if let Some(mean) = sum.checked_div(count) {
            let millivolts = u16::try_from(mean).unwrap_or(u16::MAX).saturating_mul(pins::BATTERY_DIVIDER);
            EVENTS.send(Message::Power { millivolts, usb: external.is_high() }).await;
        }
        Timer::after_secs(5).await;
    }
}
