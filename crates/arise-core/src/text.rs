//! Checks of what people type. Text is stored as it was typed; it is escaped where it is shown.

use crate::{Error, Result};

/// Text that must be there.
///
/// # Errors
/// `invalid_field` when empty, longer than `max` characters, or holding control characters.
pub fn required(field: &str, text: &str, max: usize) -> Result<String> {
    let text = optional(field, text, max)?;
    if text.is_empty() {
        return Err(Error::invalid(field, "Fill this in."));
    }
    Ok(text)
}

/// Text that may be empty. White space around it is dropped.
///
/// # Errors
/// `invalid_field` when longer than `max` characters, or holding control characters.
pub fn optional(field: &str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > max {
        return Err(Error::invalid(field, format!("Use at most {max} characters.")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid(field, "Remove the control characters."));
    }
    Ok(text.to_owned())
}

/// A teacher's PIN: six digits.
pub fn pin(field: &str, text: &str) -> Result<String> {
    if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(field, "A PIN has six digits."))
}

/// A password for people: 6 to 200 characters.
pub fn password(field: &str, text: &str) -> Result<String> {
    if (6..=200).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(field, "Use 6 to 200 characters."))
}

/// An e-mail address, or nothing. Only its shape is checked: one @ with something on both sides.
pub fn email(field: &str, text: &str) -> Result<String> {
    let text = optional(field, text, 254)?;
    let shaped = text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
    });
    if text.is_empty() || shaped {
        return Ok(text);
    }
    Err(Error::invalid(field, "This isn't an e-mail address."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_typed() {
        assert_eq!(required("name", "  Zoë <b> & O'Neill ", 50).unwrap(), "Zoë <b> & O'Neill");
        assert!(required("name", "   ", 50).is_err());
        assert!(required("name", "a\0b", 50).is_err());
        assert_eq!(optional("name", "नमस्ते", 6).unwrap(), "नमस्ते");
        assert!(optional("name", "1234567", 6).is_err());
    }

    #[test]
    fn pins_and_addresses() {
        assert!(pin("pin", "012345").is_ok());
        assert!(pin("pin", "12345").is_err());
        assert!(pin("pin", "१२३४५६").is_err());
        assert!(email("email1", "").is_ok());
        assert!(email("email1", "a@b.in").is_ok());
        assert!(email("email1", "a@b@c.in").is_err());
    }
}
