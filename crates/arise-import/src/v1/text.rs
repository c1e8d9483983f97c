//! Text of the older system: escaped for HTML on its way in.

/// What was typed: the five characters that were escaped, unescaped once.
pub(super) fn unescape(text: &str) -> String {
    const ESCAPES: [(&str, char); 10] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&#x22;", '"'),
        ("&#39;", '\''),
        ("&#x27;", '\''),
        ("&#x2F;", '/'),
        ("&#47;", '/'),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, c)) => {
                out.push(*c);
                rest = &rest[escape.len()..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Text that can be kept: without control characters and white space around it, at most `max` characters.
/// Answers whether something of it had to go.
pub(super) fn clean(text: &str, max: usize) -> (String, bool) {
    let unescaped = unescape(text);
    let trimmed = unescaped.trim();
    let kept: String =
        trimmed.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(max).collect();
    let lossy = kept.len() != trimmed.len();
    (kept, lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_unescaped_once() {
        assert_eq!(unescape("O&#x27;Neill &amp; &lt;b&gt; &quot;x&quot;"), "O'Neill & <b> \"x\"");
        assert_eq!(unescape("&amp;lt; & &nope; &amp"), "&lt; & &nope; &amp");
    }

    #[test]
    fn what_cannot_be_kept_goes() {
        assert_eq!(clean("  a\0b ", 9), ("ab".to_owned(), true));
        assert_eq!(clean("नमस्ते", 3), ("नमस".to_owned(), true));
        assert_eq!(clean("a\nb", 3), ("a\nb".to_owned(), false));
    }
}
