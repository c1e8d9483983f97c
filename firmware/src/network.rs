//! Wi-Fi as a station, and HTTP over one connection that is kept open.

use arise_scanner::{http::Answer, wire::MAX_ANSWER};
use embassy_futures::select::{Either, select};
use embassy_net::{IpAddress, Runner, Stack, dns::DnsQueryType, tcp::TcpSocket};
use embassy_time::{Duration, Timer, with_timeout};
use embedded_io_async::Write;
use esp_radio::wifi::{AuthenticationMethodConfig, Config, Interface, WifiController, sta::StationConfig};
use static_cell::StaticCell;

use crate::bus::{ANSWER, EVENTS, Message, NETWORK, REQUEST, Send, TO_SERVER};

/// A little less than the device's own patience.
const TIMEOUT: Duration = Duration::from_millis(2800);
/// Pause between measurements of the signal.
const MEASURE: Duration = Duration::from_secs(5);

/// Joins the network that the device names, and says when it is lost.
#[embassy_executor::task]
pub async fn station(mut wifi: WifiController<'static>) {
    loop {
        let (ssid, password) = NETWORK.wait().await;
        if join(&mut wifi, &ssid, &password).await {
            watch(&mut wifi).await;
        }
        EVENTS.send(Message::Wifi(None)).await;
    }
}

async fn join(wifi: &mut WifiController<'static>, ssid: &str, password: &str) -> bool {
    let Ok(name) = ssid.try_into() else { return false };
    let authentication = match password.try_into() {
        _ if password.is_empty() => AuthenticationMethodConfig::Open,
        Ok(password) => AuthenticationMethodConfig::WpaWpa2Personal(password),
        Err(_) => return false,
    };
    let station = StationConfig::default().with_ssid(name).with_authentication(authentication);
    if wifi.is_connected() {
        // Whether or not it could leave, it joins the other one next.
        let _ = wifi.disconnect_async().await;
    }
    if wifi.set_config(&Config::Station(station)).is_err() {
        return false;
    }
    wifi.connect_async().await.is_ok()
}

async fn watch(wifi: &mut WifiController<'static>) {
    while wifi.is_connected() {
        let rssi = wifi.rssi().unwrap_or(i32::from(i8::MIN)).clamp(-128, 0);
        EVENTS.send(Message::Wifi(Some(i8::try_from(rssi).unwrap_or(i8::MIN)))).await;
        match select(wifi.wait_for_disconnect_async(), select(Timer::after(MEASURE), changed())).await {
            Either::First(_) | Either::Second(Either::Second(())) => return,
            Either::Second(Either::First(())) => {}
        }
    }
}

/// Another network was configured; the request is left for [`station`] to take.
async fn changed() {
    loop {
        if NETWORK.signaled() {
            return;
        }
        Timer::after_millis(500).await;
    }
}

#[embassy_executor::task]
pub async fn stack(mut runner: Runner<'static, Interface>) {
    runner.run().await;
}

/// Sends the device's requests, one after another.
#[embassy_executor::task]
pub async fn http(stack: Stack<'static>) {
    static RECEIVE: StaticCell<[u8; 2048]> = StaticCell::new();
    static TRANSMIT: StaticCell<[u8; 2048]> = StaticCell::new();
    static COLLECT: StaticCell<Answer<MAX_ANSWER>> = StaticCell::new();
    let answer = COLLECT.init_with(Answer::new);
    let mut socket = TcpSocket::new(stack, RECEIVE.init([0; 2048]), TRANSMIT.init([0; 2048]));
    socket.set_keep_alive(Some(Duration::from_secs(5)));
    let mut connected: Option<(IpAddress, u16)> = None;
    loop {
        let Send { id, host, port } = TO_SERVER.receive().await;
        let done = with_timeout(TIMEOUT, async {
            let address = resolve(stack, &host).await?;
            let kept = connected.take() == Some((address, port)) && socket.may_send() && socket.may_recv();
            // A kept connection may be dead; then the request is sent once more on a new one.
            if kept && exchange(&mut socket, answer).await.is_some() {
                return Some(address);
            }
            socket.abort();
            let _ = socket.flush().await;
            socket.connect((address, port)).await.ok()?;
            exchange(&mut socket, answer).await.map(|()| address)
        })
        .await;
        match done {
            Ok(Some(address)) => {
                if answer.keep_alive() {
                    connected = Some((address, port));
                }
                let mut body = ANSWER.lock().await;
                body.clear();
                // Both are of the same length.
                let _ = body.extend_from_slice(answer.body());
                drop(body);
                EVENTS.send(Message::Answer { id, status: answer.status() }).await;
            }
            _ => {
                socket.abort();
                EVENTS.send(Message::NoAnswer { id }).await;
            }
        }
    }
}

async fn resolve(stack: Stack<'static>, host: &str) -> Option<IpAddress> {
    if let Ok(address) = host.parse() {
        return Some(IpAddress::Ipv4(address));
    }
    stack.dns_query(host, DnsQueryType::A).await.ok()?.first().copied()
}

async fn exchange(socket: &mut TcpSocket<'_>, answer: &mut Answer<MAX_ANSWER>) -> Option<()> {
    *answer = Answer::new();
    let request = REQUEST.lock().await;
    socket.write_all(&request).await.ok()?;
    socket.flush().await.ok()?;
    let mut buffer = [0; 512];
    loop {
        match socket.read(&mut buffer).await.ok()? {
            0 => return answer.closed().then_some(()),
            count => {
                if answer.push(&buffer[..count]).ok()? {
                    return Some(());
                }
            }
        }
    }
}
