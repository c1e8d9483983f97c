import type english from "../en/projector";

export default {
  address: "{address} खोलें",
  blank: "खाली",
  code: "कोड",
  ended: "कक्षा समाप्त हो गई",
  keys: "Q केवल QR · F पूरी स्क्रीन · B खाली",
  left: "बाकी",
  new_code_in: "{n, plural, one {# सेकंड में नया कोड} other {# सेकंड में नया कोड}}",
  no_connection: "कनेक्शन नहीं है। जुड़ते ही कोड फिर दिखेगा।",
  of_present: "{n} में से उपस्थित",
  qr: "हाज़िरी पेज का QR कोड",
  scan: "स्कैनर पर उँगली रखें",
  title: "प्रोजेक्टर",
} satisfies Record<keyof typeof english, string>;
