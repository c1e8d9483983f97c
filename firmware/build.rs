//! The linker script of `esp-hal`, which also places what the bootloader and the radio want.
fn main() {
    println!("cargo:rustc-link-arg-bins=-Tlinkall.x");
}
