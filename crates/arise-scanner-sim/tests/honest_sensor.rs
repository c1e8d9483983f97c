//! The simulated sensor is honest: two libraries that drive the real one drive it too, and see what they should.
//!
//! They come from PyPI into a virtual environment under the target folder, so Python 3 with `venv` and a network (or pip's
//! cache) are needed. Without them this test fails and says so.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use arise_scanner_sim::{
    pty::PtySensor,
    sensor::{Finger, Timing, VirtualSensor},
};

const PACKAGES: [&str; 3] =
    ["pyfingerprint==1.5", "adafruit-circuitpython-fingerprint==2.2.17", "pyserial==3.5"];

fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("honest-sensor-venv");
        let python = folder.join("bin/python");
        if !python.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with venv is needed");
        }
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        run(&mut pip, "pip could not install the packages that this test compares with");
        python
    })
}

fn run(command: &mut Command, need: &str) -> String {
    let out = command.output().unwrap_or_else(|e| panic!("{need}: {command:?}: {e}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{need}: {command:?}\n{text}\n{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// Runs a Python program with the sensor's terminal as its argument. The program asks for fingers by changing the file whose
/// name it gets as well: a number places that finger, an empty file lifts it.
fn drive(sensor: VirtualSensor, program: &str) -> VirtualSensor {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let python = python();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let wish = folder.join(format!("finger-{}-{number}", std::process::id()));
    std::fs::write(&wish, "").unwrap();
    let watched = wish.clone();
    let pty = PtySensor::start(sensor, move |_, sensor| {
        let text = std::fs::read_to_string(&watched).unwrap_or_default();
        match text.trim().parse() {
            Ok(id) => sensor.place(Finger::clear(id)),
            Err(_) => sensor.lift(),
        }
    })
    .unwrap();
    let said = run(
        Command::new(python).args(["-c", program, pty.path()]).arg(&wish),
        "the library did not get on with the simulated sensor",
    );
    println!("{said}");
    assert!(said.trim().ends_with("all is well"), "{said}");
    std::fs::remove_file(&wish).unwrap();
    pty.stop().unwrap()
}

fn sensor() -> VirtualSensor {
    let mut sensor =
        VirtualSensor::new(300, Timing { capture: 20, no_finger: 5, convert: 10, search: 10, other: 2 });
    sensor.enrol(1, 11);
    sensor.enrol(12, 22);
    sensor.enrol(260, 33);
    sensor
}

const FINGERS: &str = r"
import sys, time
def finger(n):
    open(sys.argv[2], 'w').write('' if n is None else str(n))
    time.sleep(0.05)
";

#[test]
fn pyfingerprint_agrees() {
    let program = format!(
        "{FINGERS}{}",
        r"
from pyfingerprint.pyfingerprint import PyFingerprint
f = PyFingerprint(sys.argv[1], 57600, 0xFFFFFFFF, 0x00000000)
assert f.verifyPassword()
assert f.getStorageCapacity() == 300, f.getStorageCapacity()
assert f.getBaudRate() == 57600 and f.getMaxPacketSize() == 128 and f.getSecurityLevel() == 3
assert f.getTemplateCount() == 3
index = f.getTemplateIndex(0)
assert [i for i, used in enumerate(index) if used] == [0, 11], index
assert [i for i, used in enumerate(f.getTemplateIndex(1)) if used] == [3]
assert not f.readImage()
finger(22)
assert f.readImage()
f.convertImage(0x01)
assert f.searchTemplate()[0] == 11
finger(77)
assert f.readImage()
f.convertImage(0x01)
assert f.searchTemplate()[0] == -1
assert f.readImage()
f.convertImage(0x02)
assert f.compareCharacteristics() > 0
assert f.createTemplate()
assert f.storeTemplate(5) == 5
assert f.getTemplateCount() == 4
assert f.searchTemplate()[0] == 5
finger(78)
assert f.readImage()
f.convertImage(0x02)
assert f.compareCharacteristics() == 0
assert not f.createTemplate()
assert f.loadTemplate(0, 0x01)
try:
    f.loadTemplate(200, 0x01)
    raise SystemExit('an empty slot was loaded')
except Exception as e:
    assert 'template' in str(e).lower(), e
assert f.deleteTemplate(11)
finger(22)
assert f.readImage()
f.convertImage(0x01)
assert f.searchTemplate()[0] == -1
assert f.clearDatabase()
assert f.getTemplateCount() == 0
print('all is well')
"
    );
    assert!(drive(sensor(), &program).enrolled().is_empty());
}

#[test]
fn adafruits_library_agrees() {
    let program = format!(
        "{FINGERS}{}",
        r"
import serial, adafruit_fingerprint as a
f = a.Adafruit_Fingerprint(serial.Serial(sys.argv[1], baudrate=57600, timeout=1))
assert f.verify_password() == a.OK
assert f.read_sysparam() == a.OK
assert f.library_size == 300 and f.data_packet_size == 2 and f.baudrate == 6, vars(f)
assert f.count_templates() == a.OK and f.template_count == 3
assert f.read_templates() == a.OK
assert f.templates == [0, 11, 259], f.templates
assert f.get_image() == a.NOFINGER
finger(33)
assert f.get_image() == a.OK
assert f.image_2_tz(1) == a.OK
assert f.finger_search() == a.OK
assert f.finger_id == 259 and f.confidence > 0, f.finger_id
finger(55)
assert f.get_image() == a.OK and f.image_2_tz(1) == a.OK
assert f.finger_search() == a.NOTFOUND
assert f.get_image() == a.OK and f.image_2_tz(2) == a.OK
assert f.create_model() == a.OK
assert f.store_model(20) == a.OK
assert f.store_model(300) == a.BADLOCATION
finger(56)
assert f.get_image() == a.OK and f.image_2_tz(2) == a.OK
assert f.create_model() == a.ENROLLMISMATCH
assert f.load_model(20) == a.OK
assert f.load_model(21) != a.OK
assert f.delete_model(0) == a.OK
assert f.read_templates() == a.OK
assert f.templates == [11, 20, 259], f.templates
assert f.verify_password() == a.OK
print('all is well')
"
    );
    let fingers: Vec<u16> = drive(sensor(), &program).enrolled().into_keys().collect();
    assert_eq!(fingers, [12, 21, 260]);
}

/// The device's own driver against the sensor behind the terminal, as on a PC with a real one.
#[test]
fn the_devices_own_driver_agrees() {
    use std::sync::atomic::AtomicBool;

    use arise_scanner_sim::{Fingers, Script, SimConfig, Simulator};

    let pty = PtySensor::start(sensor(), |_, _| {}).unwrap();
    let config = SimConfig {
        fingers: Fingers::Port(pty.path().into()),
        ..SimConfig::new("http://127.0.0.1:9", "Bench", "aa:bb:cc:dd:ee:02", Vec::new())
    };
    let mut scanner = Simulator::new(config).unwrap();
    let (lines, typed) = std::sync::mpsc::channel();
    let stop = AtomicBool::new(false);
    let mut said = String::new();
    lines.send("sensor-info".to_owned()).unwrap();
    let print = |text: &str| {
        said.push_str(text);
        if said.contains("slots") || said.contains("error") {
            stop.store(true, Ordering::Relaxed);
        }
    };
    scanner.interact(&typed, print, |_| {}, &stop);
    assert!(said.contains("3 of 300 slots"), "{said}");
    let report =
        scanner.run(&Script { touches: Vec::new(), begin: arise_scanner_sim::script::Begin::Now }, &stop);
    assert!(report.fingers.is_empty());
    assert_eq!(pty.stop().unwrap().enrolled().len(), 3);
}
