//! What the 128×64 display shows: a status bar, a main line, a sub line.
//!
//! Everything is placed first ([`layout`]) and drawn after ([`draw`]), so that tests can prove of every message that no text is
//! cut and no two overlap.

use embedded_graphics::{
    mono_font::{
        MonoFont, MonoTextStyle,
        iso_8859_1::{FONT_6X10, FONT_7X13, FONT_9X15, FONT_10X20},
    },
    pixelcolor::BinaryColor,
    prelude::*,
    primitives::{Line, PrimitiveStyle, Rectangle},
    text::{Baseline, Text as Label},
};
use heapless::Vec;

use crate::text::{Text, clipped, format};

/// Pixels.
pub const WIDTH: u32 = 128;
/// Pixels.
pub const HEIGHT: u32 = 64;
/// Characters of the main line, in the smallest of its fonts.
pub const MAIN: usize = 20;
/// Characters of one line below it.
pub const SUB: usize = 21;

/// Bytes for so many characters of Latin-1 in UTF-8.
const MAIN_BYTES: usize = MAIN * 2;
const SUB_BYTES: usize = SUB * 2;

/// Bars for a received signal in dBm, 0–4.
#[must_use]
pub const fn bars(rssi: i8) -> u8 {
    match rssi {
        -55.. => 4,
        -65..=-56 => 3,
        -75..=-66 => 2,
        -85..=-76 => 1,
        _ => 0,
    }
}

/// The status bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// 0–4; `None` while not joined to a network.
    pub bars: Option<u8>,
    /// Marks that wait for the server.
    pub queued: usize,
    /// Marks that the server refused.
    pub refused: usize,
    /// Percent.
    pub battery: Option<u8>,
    /// External power.
    pub usb: bool,
}

/// The lines under the status bar. Text is ready to be shown: short enough, and of characters that the fonts have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    main: Text<MAIN_BYTES>,
    sub: [Text<SUB_BYTES>; 2],
}

impl View {
    /// A message of the device's own.
    #[must_use]
    pub fn new(main: &str, sub: &str) -> Self {
        Self { main: shown(&shortened::<MAIN_BYTES>(main, MAIN)), sub: two_lines(sub) }
    }

    /// A student's name under a message. A name that doesn't fit on two lines is shortened to its first word and initials, and
    /// one in a script that the fonts lack is replaced by `instead`.
    #[must_use]
    pub fn named(main: &str, name: &str, instead: &str) -> Self {
        let name = name.trim();
        if name.is_empty() || !name.chars().all(drawable) {
            return Self::new(main, instead);
        }
        if wrapped(name).is_some() {
            return Self::new(main, name);
        }
        let mut short: Text<SUB_BYTES> = Text::new();
        for (i, word) in name.split_whitespace().enumerate() {
            let part: Text<SUB_BYTES> = match word.chars().next() {
                Some(initial) if i > 0 => format(format_args!(" {initial}.")),
                _ => shortened(word, SUB),
            };
            if short.chars().count() + part.chars().count() > SUB || short.push_str(&part).is_err() {
                break;
            }
        }
        Self::new(main, &short)
    }

    /// The same with a second line of its own, such as a warning; a text that needs both lines keeps them.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        if self.sub[1].is_empty() {
            self.sub[1] = shown(&shortened::<SUB_BYTES>(note, SUB));
        }
        self
    }

    #[must_use]
    pub fn main(&self) -> &str {
        &self.main
    }

    /// Both lines below, the second often empty.
    #[must_use]
    pub fn sub(&self) -> [&str; 2] {
        [&self.sub[0], &self.sub[1]]
    }
}

/// Whether the fonts have a character: ISO 8859-1 without control characters.
const fn drawable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A0}'..='\u{FF}')
}

fn shown<const N: usize>(text: &str) -> Text<N> {
    let mut out = Text::new();
    for c in text.chars() {
        if out.push(if drawable(c) { c } else { '?' }).is_err() {
            break;
        }
    }
    out
}

/// At most `limit` characters; what had to be left off is marked by two dots.
fn shortened<const N: usize>(text: &str, limit: usize) -> Text<N> {
    if text.chars().count() <= limit {
        return clipped(text);
    }
    let mut out = Text::new();
    for c in text.chars().take(limit - 2) {
        let _ = out.push(c);
    }
    let _ = out.push_str("..");
    out
}

fn two_lines(text: &str) -> [Text<SUB_BYTES>; 2] {
    wrapped(text)
        .map_or_else(|| [shown(&shortened::<SUB_BYTES>(text, SUB)), Text::new()], |l| l.map(|l| shown(&l)))
}

/// Breaks at spaces into two lines; `None` if that doesn't do.
fn wrapped(text: &str) -> Option<[Text<SUB_BYTES>; 2]> {
    let mut lines: [Text<SUB_BYTES>; 2] = [Text::new(), Text::new()];
    let mut line = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let used = lines[line].chars().count();
        if used > 0 && used + 1 + length > SUB {
            line += 1;
        }
        let target = lines.get_mut(line)?;
        if !target.is_empty() {
            target.push(' ').ok()?;
        }
        if target.chars().count() + length > SUB {
            return None;
        }
        target.push_str(word).ok()?;
    }
    Some(lines)
}

/// A piece of text in its place.
#[derive(Debug, Clone)]
pub struct Item {
    pub text: Text<MAIN_BYTES>,
    pub font: &'static MonoFont<'static>,
    /// Top left corner.
    pub at: Point,
}

impl Item {
    /// The pixels that it covers.
    #[must_use]
    pub fn area(&self) -> Rectangle {
        let cell = self.font.character_size;
        let count = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
        Rectangle::new(self.at, Size::new(cell.width * count, cell.height))
    }
}

/// Everything on the display, in its place.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Texts.
    pub items: Vec<Item, 6>,
    /// Where the network's bars are.
    pub bars: Rectangle,
    /// Where the battery is.
    pub battery: Rectangle,
}

const BARS: Rectangle = Rectangle::new(Point::new(0, 0), Size::new(15, 9));
const BATTERY: Rectangle = Rectangle::new(Point::new(111, 0), Size::new(17, 9));
const RULE: i32 = 11;
const MAIN_TOP: i32 = 14;
const MAIN_HEIGHT: i32 = 22;
const SUB_TOP: [i32; 2] = [40, 53];

/// Places everything.
#[must_use]
pub fn layout(status: &Status, view: &View) -> Layout {
    let mut items = Vec::new();
    let mut put = |text: &str, font: &'static MonoFont<'static>, x: i32, y: i32| {
        if !text.is_empty() {
            // At most six pieces are placed below.
            let _ = items.push(Item { text: clipped(text), font, at: Point::new(x, y) });
        }
    };
    if status.queued > 0 {
        put(&format::<8>(format_args!("Q{}", status.queued.min(9999))), &FONT_6X10, 18, 0);
    }
    if status.refused > 0 {
        put(&format::<8>(format_args!("R{}", status.refused.min(999))), &FONT_6X10, 52, 0);
    }
    if let Some(percent) = status.battery {
        let text = format::<8>(format_args!("{}%", percent.min(100)));
        put(&text, &FONT_6X10, BATTERY.top_left.x - 2 - width(&text, &FONT_6X10), 0);
    }
    let font = main_font(view.main.chars().count());
    let height = i32::try_from(font.character_size.height).unwrap_or(0);
    put(&view.main, font, centre(&view.main, font), MAIN_TOP + (MAIN_HEIGHT - height) / 2);
    for (line, y) in view.sub.iter().zip(SUB_TOP) {
        put(line, &FONT_6X10, centre(line, &FONT_6X10), y);
    }
    Layout { items, bars: BARS, battery: BATTERY }
}

/// The largest font in which so many characters fit.
const fn main_font(characters: usize) -> &'static MonoFont<'static> {
    match characters {
        0..=12 => &FONT_10X20,
        13..=14 => &FONT_9X15,
        15..=18 => &FONT_7X13,
        _ => &FONT_6X10,
    }
}

fn width(text: &str, font: &MonoFont<'_>) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(0) * i32::try_from(font.character_size.width).unwrap_or(0)
}

fn centre(text: &str, font: &MonoFont<'_>) -> i32 {
    (i32::try_from(WIDTH).unwrap_or(0) - width(text, font)) / 2
}

/// Draws the whole display.
pub fn draw<D: DrawTarget<Color = BinaryColor>>(
    target: &mut D,
    status: &Status,
    view: &View,
) -> Result<(), D::Error> {
    target.clear(BinaryColor::Off)?;
    let layout = layout(status, view);
    for item in &layout.items {
        let style = MonoTextStyle::new(item.font, BinaryColor::On);
        Label::with_baseline(&item.text, item.at, style, Baseline::Top).draw(target)?;
    }
    let thin = PrimitiveStyle::with_stroke(BinaryColor::On, 1);
    let full = PrimitiveStyle::with_fill(BinaryColor::On);
    Line::new(Point::new(0, RULE), Point::new(127, RULE)).into_styled(thin).draw(target)?;
    match status.bars {
        Some(bars) => {
            for bar in 0..4_u8 {
                let height = 3 + 2 * i32::from(bar);
                let corner = BARS.top_left + Point::new(4 * i32::from(bar), 9 - height);
                let lit = bar < bars;
                let (y, tall) = if lit { (corner.y, height) } else { (BARS.top_left.y + 8, 1) };
                Rectangle::new(Point::new(corner.x, y), Size::new(3, tall.unsigned_abs()))
                    .into_styled(full)
                    .draw(target)?;
            }
        }
        None => {
            for (from, to) in [((3, 1), (10, 8)), ((10, 1), (3, 8))] {
                Line::new(from.into(), to.into()).into_styled(thin).draw(target)?;
            }
        }
    }
    if let Some(percent) = status.battery {
        Rectangle::new(BATTERY.top_left, Size::new(15, 9)).into_styled(thin).draw(target)?;
        Rectangle::new(BATTERY.top_left + Point::new(15, 3), Size::new(2, 3))
            .into_styled(full)
            .draw(target)?;
        let lit = u32::from(percent.min(100)) * 11 / 100;
        Rectangle::new(BATTERY.top_left + Point::new(2, 2), Size::new(lit, 5))
            .into_styled(full)
            .draw(target)?;
        if status.usb {
            // A plug: the lower right of the battery is cut out by a slanted line.
            let hole = PrimitiveStyle::with_stroke(BinaryColor::Off, 1);
            Line::new(BATTERY.top_left + Point::new(9, 0), BATTERY.top_left + Point::new(5, 8))
                .into_styled(hole)
                .draw(target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCREEN: Rectangle = Rectangle::new(Point::zero(), Size::new(WIDTH, HEIGHT));

    fn sound(status: &Status, view: &View) {
        let layout = layout(status, view);
        let mut areas: std::vec::Vec<Rectangle> = layout.items.iter().map(Item::area).collect();
        areas.extend([layout.bars, layout.battery]);
        areas.push(Rectangle::new(Point::new(0, RULE), Size::new(WIDTH, 1)));
        for (i, a) in areas.iter().enumerate() {
            assert_eq!(a.intersection(&SCREEN), *a, "{a:?} leaves the screen: {view:?}");
            for b in &areas[i + 1..] {
                assert!(a.intersection(b).is_zero_sized(), "{a:?} and {b:?} overlap: {view:?}");
            }
        }
        for item in &layout.items {
            assert!(item.text.chars().all(drawable));
        }
    }

    proptest! {
        #[test]
        fn nothing_overlaps_or_leaves_the_screen(
            main in "\\PC{0,30}", sub in "\\PC{0,80}", note in "\\PC{0,30}",
            queued in 0_usize..100_000, refused in 0_usize..10_000, battery in prop::option::of(any::<u8>()),
        ) {
            let status = Status { bars: Some(4), queued, refused, battery, usb: true };
            sound(&status, &View::new(&main, &sub).with_note(&note));
            sound(&status, &View::named(&main, &sub, "Roll 12"));
        }

        #[test]
        fn what_fits_is_never_shortened(main in "[!-~]{1,20}", a in "[!-~]{1,21}", b in "[!-~]{1,21}") {
            let view = View::new(&main, &std::format!("{a} {b}"));
            prop_assert_eq!(view.main(), main.as_str());
            let shown = view.sub().join(" ");
            prop_assert_eq!(shown.trim(), std::format!("{a} {b}"));
        }
    }

    #[test]
    fn names() {
        let sub = |name| View::named("Marked", name, "Roll 7").sub().map(std::string::ToString::to_string);
        assert_eq!(sub("Asha Rao"), ["Asha Rao", ""]);
        assert_eq!(sub("Venkata Subramanian Ramachandran"), ["Venkata Subramanian", "Ramachandran"]);
        assert_eq!(sub("Venkata Subramanian Ramachandran Lakshminarayanan"), ["Venkata S. R. L.", ""]);
        assert_eq!(sub("आशा राव"), ["Roll 7", ""]);
        assert_eq!(sub("Zoë Müller"), ["Zoë Müller", ""]);
    }

    #[test]
    fn bars_by_signal() {
        assert_eq!(
            [-40, -55, -56, -65, -66, -75, -76, -85, -86, -128].map(bars),
            [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
        );
    }
}
