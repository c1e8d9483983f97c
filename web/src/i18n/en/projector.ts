export default {
  address: "Open {address}",
  blank: "Blank",
  code: "Code",
  ended: "The session has ended",
  keys: "Q code as picture only · F full screen · B blank",
  left: "left",
  new_code_in: "{n, plural, one {New code in # second} other {New code in # seconds}}",
  no_connection: "No connection. The code comes back with it.",
  of_present: "of {n} present",
  qr: "QR code of the marking page",
  scan: "Put your finger on the scanner",
  title: "Projector",
} as const;
