//! Every screen: nothing cut, nothing outside, and a PNG of each to look at in `target/tmp/screens`.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::{Path, PathBuf};

use arise_scanner::{
    device::face::{self, Face, Slots},
    finger::{Job, JobEnd, Prompt},
    screen::{Status, View},
    sensor::Refusal,
    wire::Status as Word,
};
use arise_scanner_sim::display::Panel;

const ENDS: [JobEnd; 13] = [
    JobEnd::Enrolled(1000),
    JobEnd::Deleted(1000),
    JobEnd::DeletedAll,
    JobEnd::Matched { slot: 1000, score: 65_535 },
    JobEnd::TestPassed,
    JobEnd::Info { capacity: 1000, enrolled: 1000 },
    JobEnd::Occupied(1000),
    JobEnd::Known(1000),
    JobEnd::NoSuchSlot(65_535),
    JobEnd::Refused(Refusal::Flash),
    JobEnd::Refused(Refusal::Mismatch),
    JobEnd::TooLate,
    JobEnd::Lost,
];

const REFUSALS: [Refusal; 10] = [
    Refusal::NoFinger,
    Refusal::CaptureFailed,
    Refusal::BadImage,
    Refusal::NotFound,
    Refusal::Mismatch,
    Refusal::BadPage,
    Refusal::Empty,
    Refusal::Flash,
    Refusal::Password,
    Refusal::Other(0x20),
];

const WORDS: [Word; 6] =
    [Word::Success, Word::Duplicate, Word::NotEnrolled, Word::NoSession, Word::Invalid, Word::Unknown];

/// Every view with what it should say, all of it.
fn views() -> Vec<(String, View, Vec<String>)> {
    let mut all = Vec::new();
    let mut add = |name: &str, view: View, texts: &[&str]| {
        let texts = texts.iter().filter(|t| !t.is_empty()).map(ToString::to_string).collect();
        all.push((name.to_owned(), view, texts));
    };
    for Face(main, sub) in face::ALL {
        add(main, View::new(main, sub), &[main, sub]);
        if sub.len() <= 21 {
            add(
                &format!("{main} low"),
                View::new(main, sub).with_note(face::LOW_BATTERY),
                &[main, sub, face::LOW_BATTERY],
            );
        }
    }
    for (i, end) in ENDS.into_iter().enumerate() {
        add(&format!("task {i}"), face::job_end(end, Slots::ByRoll), &[]);
        add(&format!("task {i} mapped"), face::job_end(end, Slots::Mapped), &[]);
    }
    for prompt in [Prompt::Place, Prompt::Lift, Prompt::PlaceAgain] {
        let place = |slots| face::prompt(prompt, Some(Job::Enroll(1000)), slots);
        add(&format!("{prompt:?}"), place(Slots::ByRoll), &["Slot 1000, roll 500"]);
        add(&format!("{prompt:?} mapped"), place(Slots::Mapped), &["Slot 1000"]);
    }
    for refusal in REFUSALS {
        add(
            &format!("{refusal:?}"),
            View::new(refusal.text(), face::TRY_AGAIN),
            &[refusal.text(), face::TRY_AGAIN],
        );
    }
    for word in WORDS {
        let text = face::word(word);
        add(
            text,
            View::new(text, "Roll 500").with_note(face::ASK_TEACHER),
            &[text, "Roll 500", face::ASK_TEACHER],
        );
    }
    for message in ["Choose scanner", "A twenty letter text"] {
        add(message, View::new(message, face::ASK_TEACHER), &[message, face::ASK_TEACHER]);
    }
    for course in ["CS101", "ECE-2024-305A", "MECH-ADV-THERMO-2", "TWENTY-LETTER-COURSE"] {
        add(course, View::new(course, "Place finger (offline)"), &[course]);
    }
    for name in ["Asha Rao", "Venkata Subramanian Ramachandran", "Zoë Müller-Lüdenscheidt"] {
        add(name, View::named("Already Marked", name, "Roll 7"), &["Already Marked", name]);
    }
    all
}

fn statuses() -> [Status; 3] {
    [
        Status { bars: Some(4), queued: 0, refused: 0, battery: Some(100), usb: true },
        Status { bars: None, queued: 9999, refused: 999, battery: Some(7), usb: false },
        Status { bars: Some(1), queued: 12, refused: 3, battery: Some(55), usb: false },
    ]
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screens");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_text_is_shown_whole() {
    for (name, view, texts) in views() {
        let shown = format!("{} {}", view.main(), view.sub().join(" "));
        for text in texts {
            assert!(shown.contains(&text), "{name}: {shown:?} lacks {text:?}");
        }
        assert!(!shown.contains('?') && !shown.contains(".."), "{name}: {shown}");
    }
}

#[test]
fn nothing_is_drawn_outside_and_every_screen_has_a_picture() {
    let folder = folder();
    let mut count = 0;
    for (i, (name, view, _)) in views().into_iter().enumerate() {
        for (j, status) in statuses().into_iter().enumerate() {
            let panel = Panel::of(&status, &view);
            assert_eq!(panel.outside(), 0, "{name}");
            let name: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            panel.write_png(&folder.join(format!("{i:02}-{j}-{name}.png")), 3).unwrap();
            count += 1;
        }
    }
    assert!(count > 150);
    println!("{count} pictures in {}", folder.display());
}

#[test]
fn the_status_bar_says_what_it_should() {
    let blank = Panel::of(&Status::default(), &View::default());
    let lit = |panel: &Panel, x: std::ops::Range<usize>| {
        x.flat_map(|x| (0..10).map(move |y| (x, y))).filter(|(x, y)| panel.lit(*x, *y)).count()
    };
    let with = |bars| Panel::of(&Status { bars: Some(bars), ..Status::default() }, &View::default());
    let counts: Vec<usize> = (0..=4).map(|bars| lit(&with(bars), 0..16)).collect();
    assert!(counts.is_sorted() && counts[0] < counts[1] && counts[3] < counts[4], "{counts:?}");
    assert_eq!(lit(&blank, 18..128), 0);
    let full = |percent| Panel::of(&Status { battery: Some(percent), ..Status::default() }, &View::default());
    assert!(lit(&full(100), 110..128) > lit(&full(50), 110..128));
    assert!(lit(&full(50), 110..128) > lit(&full(0), 110..128));
}
