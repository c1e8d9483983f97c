//! The 128×64 display as memory, as text for a terminal, and as PNG.

use std::{convert::Infallible, fs::File, io::BufWriter, path::Path};

use arise_scanner::screen::{HEIGHT, Status, View, WIDTH, draw};
use embedded_graphics::{pixelcolor::BinaryColor, prelude::*, primitives::Rectangle};

const W: usize = WIDTH as usize;
const H: usize = HEIGHT as usize;

/// One picture on the display.
#[derive(Clone, PartialEq, Eq)]
pub struct Panel {
    pixels: Vec<bool>,
    /// Pixels that were drawn outside.
    outside: usize,
}

impl Default for Panel {
    fn default() -> Self {
        Self { pixels: vec![false; W * H], outside: 0 }
    }
}

impl std::fmt::Debug for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.text())
    }
}

impl Panel {
    /// Draws what a scanner shows.
    #[must_use]
    pub fn of(status: &Status, view: &View) -> Self {
        let mut panel = Self::default();
        let Ok(()) = draw(&mut panel, status, view);
        panel
    }

    #[must_use]
    pub fn lit(&self, x: usize, y: usize) -> bool {
        x < W && self.pixels.get(y * W + x).copied().unwrap_or(false)
    }

    /// Lit pixels that lay outside, which a real display would cut off.
    #[must_use]
    pub const fn outside(&self) -> usize {
        self.outside
    }

    /// 32 lines of 128 characters, two pixels in each.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for y in (0..H).step_by(2) {
            for x in 0..W {
                out.push(match (self.lit(x, y), self.lit(x, y + 1)) {
                    (false, false) => ' ',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                });
            }
            out.push('\n');
        }
        out
    }

    /// Writes a greyscale PNG, each pixel `scale` pixels wide.
    pub fn write_png(&self, path: &Path, scale: usize) -> std::io::Result<()> {
        let scale = scale.max(1);
        let mut rows = Vec::with_capacity(W * H * scale * scale);
        for y in 0..H * scale {
            rows.extend((0..W * scale).map(|x| if self.lit(x / scale, y / scale) { 0xF0 } else { 0x08 }));
        }
        let size = |pixels: usize| u32::try_from(pixels * scale).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), size(W), size(H));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().and_then(|mut w| w.write_image_data(&rows)).map_err(std::io::Error::other)
    }
}

impl Dimensions for Panel {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new(WIDTH, HEIGHT))
    }
}

impl DrawTarget for Panel {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            let place = (usize::try_from(at.x), usize::try_from(at.y));
            match place {
                (Ok(x), Ok(y)) if x < W && y < H => self.pixels[y * W + x] = color.is_on(),
                _ => self.outside += usize::from(color.is_on()),
            }
        }
        Ok(())
    }
}
