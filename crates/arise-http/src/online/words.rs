//! The words of the marking page, in English and Hindi.

use axum::http::{HeaderMap, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Hindi,
}

impl Language {
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hindi => "hi",
        }
    }

    /// The one that was chosen, else the one that the browser prefers of the two.
    pub(super) fn choose(chosen: Option<&str>, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut wanted = chosen.into_iter().chain(accepted.unwrap_or_default().split(','));
        let found = wanted.find_map(|tag| match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "hi" => Some(Self::Hindi),
            "en" => Some(Self::English),
            _ => None,
        });
        found.unwrap_or(Self::English)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Hindi => &HINDI,
        }
    }

    /// The other one, as it calls itself.
    pub(super) fn other(self) -> (Self, &'static str) {
        match self {
            Self::English => (Self::Hindi, "हिन्दी"),
            Self::Hindi => (Self::English, "English"),
        }
    }
}

/// `{n}` is a number, `{name}` a person, `{total}` another number.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) code: &'static str,
    pub(super) code_hint: &'static str,
    pub(super) roll: &'static str,
    pub(super) submit: &'static str,
    pub(super) marked_of: &'static str,
    pub(super) minutes_left: &'static str,
    pub(super) in_extra_time: &'static str,
    pub(super) present: &'static str,
    pub(super) late: &'static str,
    pub(super) already: &'static str,
    pub(super) overruled: &'static str,
    pub(super) done: &'static str,
    pub(super) here: &'static str,
    pub(super) another: &'static str,
    pub(super) wrong_code: &'static str,
    pub(super) code_expired: &'static str,
    pub(super) not_enrolled: &'static str,
    pub(super) wait: &'static str,
    pub(super) ended: &'static str,
    pub(super) unknown: &'static str,
    pub(super) hub_only: &'static str,
    pub(super) log_in_first: &'static str,
    pub(super) log_in: &'static str,
    pub(super) failed: &'static str,
}

const ENGLISH: Words = Words {
    title: "Mark attendance",
    code: "Code",
    code_hint: "Six digits, as your teacher shows them.",
    roll: "University roll number",
    submit: "Mark me present",
    marked_of: "{n} of {total} marked",
    minutes_left: "{n} min left",
    in_extra_time: "Last minutes",
    present: "{name}, you are marked present.",
    late: "{name}, you are marked late.",
    already: "{name}, you are marked already.",
    overruled: "{name}, your teacher has decided your mark. Ask them.",
    done: "You can close this page.",
    here: "Marked on this device:",
    another: "Mark another student here",
    wrong_code: "This code is wrong. Type the one that is shown now.",
    code_expired: "This code has run out. Type the one that is shown now.",
    not_enrolled: "This roll number isn't in this course. Check it, or ask your teacher.",
    wait: "Too many wrong codes. Wait {n} s and try again.",
    ended: "This class has ended. If you were there, tell your teacher.",
    unknown: "This link leads to no class. Scan it again, or ask your teacher for it.",
    hub_only: "Online classes have another address. Ask your teacher for the link.",
    log_in_first: "Log in first, then type the code.",
    log_in: "Log in",
    failed: "That didn't work. Try again in a moment.",
};

const HINDI: Words = Words {
    title: "हाज़िरी लगाएँ",
    code: "कोड",
    code_hint: "छह अंक, जैसे आपके शिक्षक दिखा रहे हैं।",
    roll: "विश्वविद्यालय रोल नंबर",
    submit: "मेरी हाज़िरी लगाएँ",
    marked_of: "{total} में से {n} की हाज़िरी लगी",
    minutes_left: "{n} मिनट बाकी",
    in_extra_time: "आखिरी मिनट",
    present: "{name}, आपकी हाज़िरी लग गई।",
    late: "{name}, आपकी हाज़िरी देर से आने की लगी।",
    already: "{name}, आपकी हाज़िरी पहले से लगी है।",
    overruled: "{name}, आपकी हाज़िरी शिक्षक ने तय की है। उनसे पूछें।",
    done: "अब आप यह पेज बंद कर सकते हैं।",
    here: "इस फ़ोन या कंप्यूटर से हाज़िरी लगी:",
    another: "यहाँ किसी और छात्र की हाज़िरी लगाएँ",
    wrong_code: "यह कोड गलत है। अभी जो दिख रहा है वह भरें।",
    code_expired: "इस कोड का समय निकल गया। अभी जो दिख रहा है वह भरें।",
    not_enrolled: "यह रोल नंबर इस कोर्स में नहीं है। जाँचें, या शिक्षक से पूछें।",
    wait: "कई गलत कोड भरे गए। {n} सेकंड रुककर फिर कोशिश करें।",
    ended: "यह कक्षा खत्म हो गई। आप मौजूद थे तो शिक्षक को बताएँ।",
    unknown: "इस लिंक की कोई कक्षा नहीं है। इसे फिर स्कैन करें, या शिक्षक से माँगें।",
    hub_only: "ऑनलाइन कक्षाओं का पता अलग है। शिक्षक से लिंक माँगें।",
    log_in_first: "पहले लॉग इन करें, फिर कोड भरें।",
    log_in: "लॉग इन करें",
    failed: "यह नहीं हो पाया। थोड़ी देर में फिर कोशिश करें।",
};

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_browser_s_language_unless_another_is_chosen() {
        let told = |chosen, accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            Language::choose(chosen, &headers)
        };
        assert_eq!(told(None, ""), Language::English);
        assert_eq!(told(None, "fr-FR,hi-IN;q=0.8,en;q=0.5"), Language::Hindi);
        assert_eq!(told(None, "en-IN,hi"), Language::English);
        assert_eq!(told(Some("hi"), "en"), Language::Hindi);
        assert_eq!(told(Some("💥"), "hi"), Language::Hindi);
    }
}
